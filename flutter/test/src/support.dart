/// A real service, real nodes, and waiting for what they do.
library;

import 'dart:async';
import 'dart:convert';
import 'dart:io';

import 'package:connectoid/connectoid.dart';
import 'package:connectoid/src/json.dart';

import 'runner.dart';

/// Nobody listens there: port 9 of this machine is closed.
const nobody = 'http://127.0.0.1:9';

/// The real mailbox service, in memory, on a free port of this machine.
final class MailboxService {
  MailboxService._(this._process, this.url);

  final Process _process;
  final String url;

  static Future<MailboxService> start() async {
    final program = Platform.environment['CONNECTOID_SERVICE'] ?? '';
    if (program.isEmpty) throw StateError('CONNECTOID_SERVICE names no program');
    final process = await Process.start(program, [
      ...['--listen', '127.0.0.1:0', '--memory', '--log', 'off'],
      // Tests open a thousand nodes from one address.
      for (final rate in ['requests', 'box-requests', 'questions']) ...['--$rate-per-second', '1000000'],
    ]);
    process.stderr.listen(stderr.add);
    final lines = process.stdout.transform(utf8.decoder).transform(const LineSplitter());
    final line = await lines.first.timeout(patience);
    return MailboxService._(process, line.replaceFirst('listening on ', ''));
  }

  Future<void> stop() async {
    _process.kill();
    await _process.exitCode.timeout(patience);
  }
}

Settings settings(String service, {String? folder, String? passphrase}) => Settings(
  folder: folder,
  services: [service],
  bind: ['127.0.0.1'],
  loopback: true,
  idleTimeout: const Duration(hours: 1),
  passphrase: passphrase,
);

/// A node in memory, reachable over loopback only.
Future<Node> openNode(String service) => Node.open(settings(service));

/// A story with a service.
Future<void> story(Future<void> Function(String service) body) async {
  final service = await MailboxService.start();
  try {
    await body(service.url);
  } finally {
    await service.stop();
  }
}

/// A story of one node with the group `g`.
Future<void> alone(Future<void> Function(Node node) body) => story((service) async {
  final node = await openNode(service);
  await node.createGroup('g');
  await body(node);
  await node.close();
});

/// A story of two nodes that share the group `g`.
Future<void> storyOfTwo(
  Future<void> Function(Node alice, Node bob) body, {
  Role role = Role.writer,
}) => story((service) async {
  final (alice, bob) = (await openNode(service), await openNode(service));
  await pair(alice, bob, role: role);
  await body(alice, bob);
  await Future.wait([alice.close(), bob.close()]);
});

/// Alice shares the group `g` with Bob, and Bob opens the link; both have the same when this completes.
Future<void> pair(Node alice, Node bob, {Role role = Role.writer}) async {
  final SharedLink(:link) = await alice.share('bob', group: 'g', role: role);
  await Future.wait<void>([
    alice.next<SyncedEvent>(),
    bob.next<SyncedEvent>(),
    bob.openLink(link, nickname: 'alice'),
  ]);
}

/// A folder for the time of a test.
Future<void> inFolder(Future<void> Function(String folder) body) async {
  final folder = await Directory.systemTemp.createTemp('connectoid');
  try {
    await body('${folder.path}/node');
  } finally {
    await folder.delete(recursive: true);
  }
}

extension Waiting on Node {
  /// The next event of a kind.
  Future<E> next<E extends Event>() =>
      events.firstWhere((event) => event is E).then((event) => event as E).timeout(patience);

  /// Asks again whenever something has happened, until there is an answer.
  Future<T> eventually<T extends Object>(Future<T?> Function() ask) async {
    var happened = Completer<void>();
    final listening = events.listen((_) {
      if (!happened.isCompleted) happened.complete();
    });
    try {
      while (true) {
        final answer = await ask();
        if (answer != null) return answer;
        await happened.future.timeout(patience);
        happened = Completer();
      }
    } finally {
      await listening.cancel();
    }
  }

  /// Waits until a record of the collection `c` in the group `g` has these fields.
  Future<void> shows(String id, Map<String, Object?> fields) => eventually(() async {
    final found = await record('g', 'c', id);
    return found != null && deepEquals(found.fields, fields) ? true : null;
  });
}
