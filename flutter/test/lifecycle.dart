import 'dart:async';
import 'dart:io';
import 'dart:isolate';
import 'dart:typed_data';

import 'package:connectoid/connectoid.dart';

import 'src/footprint.dart';
import 'src/runner.dart';
import 'src/support.dart';

void lifecycleTests() {
  test('a service that is down is told, and waited for', () => story((_) async {
    final (alice, bob) = (await openNode(nobody), await openNode(nobody));
    final SharedLink(:link) = await alice.share('bob', group: 'g');
    await alice.put('g', 'c', 'r', {'x': 1});
    final problem = bob.next<ServiceProblemEvent>();
    await bob.openLink(link, nickname: 'alice');
    check((await problem).problem is ServiceUnreachableException);
    expect((await problem).problem.blame, Blame.service);
    expect((await alice.peers()).single.state, PairState.invited);
    expect((await bob.peers()).single.state, PairState.opening);
    await Future.wait([alice.close(), bob.close()]);
  }));

  test('settings that are wrong are refused', () async {
    await fails<UsageException>(() => Node.open(const Settings(folder: null, bind: ['no address'])));
    await fails<StorageUnavailableException>(() => Node.open(const Settings(folder: '/dev/null/x')));
  });

  test('a closed node says so, and its folder is free', () => story((service) => inFolder((folder) async {
    final node = await Node.open(settings(service, folder: folder));
    await fails<StorageUnavailableException>(() => Node.open(settings(service, folder: folder)));
    await Future.wait([node.close(), node.close()]);
    await node.close();
    await fails<ClosedException>(node.peers);
    await fails<ClosedException>(() => node.record('g', 'c', 'r'));
    await (await Node.open(settings(service, folder: folder))).close();
  })));

  test('calls that are under way when a node is closed are answered', () => storyOfTwo((alice, bob) async {
    final gone = alice.next<DisconnectedEvent>();
    await bob.close();
    await gone;
    final calls = <Future<Object?>>[
      alice.send('bob', Uint8List(1)),
      for (var at = 0; at < 100; at++) alice.put('g', 'c', '$at', {'x': at}),
      for (var at = 0; at < 100; at++) alice.list('g', 'c'),
    ];
    var (answered, closed) = (0, 0);
    final ends = [
      for (final call in calls)
        call.then((_) => answered++, onError: (Object error) => error is ClosedException ? closed++ : throw error),
    ];
    await alice.close();
    await Future.wait(ends).timeout(patience);
    expect(answered + closed, 201);
    check(closed > 0);
  }));

  test('what is closed during a sync goes on later', () => story((service) => inFolder((folder) async {
    final alice = await openNode(service);
    final bob = await Node.open(settings(service, folder: folder));
    await pair(alice, bob);
    final changed = bob.next<ChangedEvent>();
    final writing = Future.wait([
      for (var batch = 0; batch < 10; batch++)
        alice.commit('g', [
          for (var at = 0; at < 100; at++)
            Write.put(collection: 'c', id: '$batch.$at', fields: {'x': 'y' * 100}),
        ]),
    ]);
    await changed;
    await bob.close();
    await writing;
    final again = await Node.open(settings(service, folder: folder));
    final all = again.observe('g', 'c').firstWhere((records) => records.length == 1000);
    await all.timeout(patience);
    await Future.wait([alice.close(), again.close()]);
  })));

  test('a node that is lost is closed', () => story((service) => inFolder((folder) async {
    Future<void> lose() async {
      final node = await Node.open(settings(service, folder: folder));
      await node.createGroup('g');
    }

    await lose();
    // Until the garbage collector finds it, it holds the folder.
    final watch = Stopwatch()..start();
    final garbage = <Uint8List>[];
    while (true) {
      try {
        return await (await Node.open(settings(service, folder: folder))).close();
      } on StorageUnavailableException {
        check(watch.elapsed < patience, 'it was not found');
        garbage.add(Uint8List(1 << 20));
        if (garbage.length == 64) garbage.clear();
        await Future<void>.delayed(const Duration(milliseconds: 10));
      }
    }
  })));

  test('a node that somebody waits for is not lost', () => story((service) async {
    Future<List<Group>> ask() async => (await openNode(service)).groups();
    Future<Event> listen() async {
      final node = await openNode(service);
      final event = node.events.first;
      await node.createGroup('g');
      await node.put('g', 'c', 'r', {'x': 1});
      return event;
    }

    for (var turn = 0; turn < 10; turn++) {
      final answers = [ask(), listen()];
      for (var at = 0; at < 20; at++) {
        Uint8List(4 << 20);
      }
      await Future.wait(answers).timeout(patience);
    }
  }));

  test('an isolate has its own nodes', () => story((service) async {
    final count = await Isolate.run(() async {
      final node = await openNode(service);
      await node.createGroup('g');
      await node.put('g', 'c', 'r', {'x': 1});
      final records = await node.observe('g', 'c').firstWhere((records) => records.isNotEmpty);
      await node.close();
      return records.length;
    });
    expect(count, 1);
    final node = await openNode(service);
    await fails<Object>(() => Isolate.run(() => node.userId));
    await node.close();
  }));

  test('isolates that end take their nodes with them', () => story((service) => inFolder((folder) async {
    final ends = {
      'the last call was answered': (Node node) {},
      'it ends itself': (Node node) {
        node.put('g', 'c', 'r', {'x': 1}).ignore();
        Isolate.exit();
      },
      'it fails': (Node node) {
        node.events.listen(null);
        throw StateError('on purpose');
      },
      'it is killed': (Node node) {
        node.events.listen(null);
        _write(node).ignore();
        Isolate.current.kill(priority: Isolate.immediate);
      },
    };
    for (final MapEntry(key: name, value: end) in ends.entries) {
      for (var turn = 0; turn < 5; turn++) {
        final exit = ReceivePort();
        await Isolate.spawn(
          _openAnd,
          (service, folder, end),
          onExit: exit.sendPort,
          onError: ReceivePort().sendPort,
        );
        await exit.first.timeout(patience);
        await _openFree(service, folder, name);
      }
    }
  })));

  test('a thousand nodes leave nothing behind', () => story((service) async {
    Future<void> openAndClose(int times) async {
      for (var turn = 0; turn < times; turn++) {
        final node = await openNode(service);
        await node.createGroup('g');
        await node.put('g', 'c', 'r', {'x': turn});
        await node.observe('g', 'c').firstWhere((records) => records.isNotEmpty);
        await node.close();
      }
    }

    await openAndClose(200);
    final before = Footprint.now();
    await openAndClose(800);
    await before.hasNotGrown();
  }));

  const many = 100000;

  test('$many events leave nothing behind', () => storyOfTwo((alice, bob) async {
    var heard = 0;
    final listening = bob.events.listen((event) => heard += event is MessageEvent ? 1 : 0);
    final data = Uint8List(1000);
    Future<void> send(int count) async {
      for (var sent = 0; sent < count; sent += 50) {
        final all = bob.events.where((event) => event is MessageEvent).take(50).length;
        await Future.wait([for (var at = 0; at < 50; at++) alice.send('bob', data)]);
        await all;
      }
    }

    await send(many ~/ 5);
    final before = Footprint.now();
    await send(many - many ~/ 5);
    expect(heard, many);
    await before.hasNotGrown();
    await listening.cancel();
  }));

  test('$many observations leave nothing behind', () => alone((node) async {
    await node.commit('g', [
      for (var at = 0; at < 1000; at++)
        Write.put(collection: 'c', id: '$at', fields: {'x': Uint8List(100)}),
    ]);
    Future<void> observe(int count) async {
      for (var seen = 0; seen < count; seen += 1000) {
        final pages = node.changes('g', 'c').takeWhile((changes) => changes.isNotEmpty);
        expect(await pages.fold<int>(0, (sum, changes) => sum + changes.length), 1000);
      }
    }

    await observe(many ~/ 5);
    final before = Footprint.now();
    await observe(many - many ~/ 5);
    await before.hasNotGrown();
  }));
}

Future<void> _openAnd((String, String, void Function(Node)) message) async {
  final (service, folder, end) = message;
  final node = await Node.open(settings(service, folder: folder));
  if ((await node.groups()).isEmpty) await node.createGroup('g');
  end(node);
}

Future<void> _write(Node node) async {
  for (var at = 0; ; at++) {
    await Future.wait([for (var id = 0; id < 100; id++) node.put('g', 'c', '$id', {'x': at})]);
  }
}

/// Opens a folder that is being given back, and closes it.
Future<void> _openFree(String service, String folder, String about) async {
  final watch = Stopwatch()..start();
  while (true) {
    try {
      return await (await Node.open(settings(service, folder: folder))).close();
    } on StorageUnavailableException catch (failure) {
      check(watch.elapsed < patience, '$about: $failure');
      await Future<void>.delayed(const Duration(milliseconds: 10));
    }
  }
}
