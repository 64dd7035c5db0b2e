/// Measures what crossing between Dart and Rust costs: `cargo xtask figures dart`. Nothing is asserted.
library;

import 'dart:typed_data';

import 'package:connectoid/connectoid.dart';
import 'package:connectoid/src/native.dart';

import '../test/src/support.dart';

/// Messages under way at the same time.
const _window = 8;

Future<void> main() => story((service) async {
  await _calls(service);
  await _callbacks(service);
  await _bytes(service);
  await _lists(service);
  await _messages(service);
});

Future<void> _calls(String service) async {
  final library = Library.instance;
  var characters = 0;
  final watch = Stopwatch()..start();
  for (var at = 0; at < 200000; at++) {
    characters += library.version.length;
  }
  _tell('a call that returns a text', watch.elapsedMicroseconds / (characters / library.version.length));

  final node = await openNode(service);
  await node.createGroup('g');
  await node.put('g', 'c', 'r', {'count': 2, 'name': 'milk'});
  await _each('a call that reads a record', 5000, () => node.record('g', 'c', 'r'));
  await _each('a call that the engine answers', 5000, node.groups);
  await _each('a write', 2000, () => node.put('g', 'c', 'r', {'count': 3}));
  await _each('a write, and its event', 2000, () async {
    final event = node.events.first;
    await node.put('g', 'c', 'r', {'count': 4});
    await event;
  });
  const many = 20000;
  watch.reset();
  for (var batch = 0; batch < many ~/ 100; batch++) {
    final events = node.events.take(100).length;
    await Future.wait([for (var at = 0; at < 100; at++) node.put('g', 'c', '$at', {'n': 1})]);
    await events;
  }
  _tell('an event of many, with the write that causes it', watch.elapsedMicroseconds / many);
  await node.close();
}

Future<void> _callbacks(String service) async {
  final node = await openNode(service);
  const batch = 100;
  Future<void> refused() async {
    try {
      await node.record('none', 'c', 'r');
    } on ConnectoidException {
      return;
    }
    throw StateError('it was not refused');
  }

  await _each(
    'a callback: a call that is refused, one of 100',
    200,
    () => Future.wait([for (var at = 0; at < batch; at++) refused()]),
    of: batch,
  );
  await node.close();
}

Future<void> _bytes(String service) async {
  final node = await openNode(service);
  await node.createGroup('g');
  final bytes = Uint8List(128 << 10);
  await _best('1 MiB of bytes in 8 records, written and read back', 30, () async {
    for (var at = 0; at < 8; at++) {
      await node.put('g', 'c', '$at', {'data': bytes});
    }
    for (var at = 0; at < 8; at++) {
      final data = (await node.record('g', 'c', '$at'))?.fields['data'];
      if (data is! Uint8List || data.length != bytes.length) throw StateError('not what was written');
    }
  });
  await node.close();
}

Future<void> _lists(String service) async {
  final node = await openNode(service);
  await node.createGroup('g');
  for (var page = 0; page < 10; page++) {
    await node.commit('g', [
      for (var at = 0; at < 1000; at++)
        Write.put(
          collection: 'c',
          id: '${page * 1000 + at}'.padLeft(5, '0'),
          fields: {'name': 'milk $at', 'count': at},
        ),
    ]);
  }
  await _best('a list of 10,000 records, with all fields', 10, () async {
    if ((await node.list('g', 'c', limit: 10000)).length != 10000) throw StateError('not all');
  });
  await node.close();
}

Future<void> _messages(String service) async {
  final (alice, bob) = (await openNode(service), await openNode(service));
  await pair(alice, bob);
  final message = Uint8List(256 << 10);
  Future<void> send(int count) async {
    final all = bob.events.where((event) => event is MessageEvent).take(count).length;
    await Future.wait([
      for (var lane = 0; lane < _window; lane++)
        () async {
          for (var at = 0; at < count ~/ _window; at++) {
            await alice.send('bob', message);
          }
        }(),
    ]);
    await all;
  }

  await send(64);
  final watch = Stopwatch()..start();
  await send(256);
  final speed = (64 << 20) / watch.elapsedMicroseconds;
  print('${'64 MiB as messages of 256 KiB'.padRight(55)} ${speed.toStringAsFixed(0).padLeft(8)} MB/s');
  await Future.wait([alice.close(), bob.close()]);
}

Future<void> _best(String what, int count, Future<void> Function() work) async {
  var best = double.infinity;
  for (var turn = 0; turn < count; turn++) {
    final watch = Stopwatch()..start();
    await work();
    if (watch.elapsedMicroseconds < best) best = watch.elapsedMicroseconds.toDouble();
  }
  _tell(what, best);
}

Future<void> _each(String what, int count, Future<Object?> Function() work, {int of = 1}) async {
  for (var at = 0; at < count ~/ 2; at++) {
    await work();
  }
  final watch = Stopwatch()..start();
  for (var at = 0; at < count; at++) {
    await work();
  }
  _tell(what, watch.elapsedMicroseconds / count / of);
}

void _tell(String what, double microseconds) =>
    print('${what.padRight(55)} ${microseconds.toStringAsFixed(1).padLeft(8)} µs');
