import 'dart:async';
import 'dart:typed_data';

import 'package:connectoid/connectoid.dart';

import 'src/runner.dart';
import 'src/support.dart';

/// Cancelling stops the work in Rust: what only the engine can know is looked at.
void cancellingTests() {
  test('messages that are cancelled make room for others', () => storyOfTwo((alice, bob) async {
    final gone = alice.next<DisconnectedEvent>();
    await bob.close();
    await gone;
    // At most 64 messages wait for a peer; one more fails at once, unless those before are really gone.
    for (var turn = 0; turn < 200; turn++) {
      final sending = alice.send('bob', Uint8List(1000));
      // Every other time, the engine has seen the message before it is cancelled.
      if (turn.isEven) await alice.groups();
      sending.cancel();
      await fails<CancelledException>(() => sending);
    }
  }));

  test('what takes too long is cancelled', () => storyOfTwo((alice, bob) async {
    final gone = alice.next<DisconnectedEvent>();
    await bob.close();
    await gone;
    for (var turn = 0; turn < 100; turn++) {
      final sending = alice.send('bob', Uint8List(1000));
      await fails<TimeoutException>(() => sending.timeout(Duration.zero));
      await fails<CancelledException>(() => sending);
    }
    var asked = false;
    final sending = alice.send('bob', Uint8List(1));
    await sending.timeout(Duration.zero, onTimeout: () => asked = true);
    check(asked);
    await fails<CancelledException>(() => sending);
  }));

  test('a call that was answered cannot be cancelled', () => alone((node) async {
    final groups = node.groups();
    final answer = await groups;
    groups.cancel();
    expect(await groups, answer);
    expect(await groups.timeout(patience), answer);
    expect(await groups.asStream().single, answer);
    final failing = node.record('missing', 'c', 'r');
    expect(await failing.catchError((_) => null, test: (error) => error is UsageException), null);
    await fails<UsageException>(() => failing.whenComplete(() {}));
  }));

  test('cancelling the opening of a node frees the folder', () => story((service) async {
    await inFolder((folder) async {
      final asked = Completer<void>();
      final opening = Node.open(settings(service, folder: folder), keyStore: _Waiting(asked));
      await asked.future.timeout(patience);
      opening.cancel();
      await fails<CancelledException>(() => opening);
      await (await Node.open(settings(service, folder: folder))).close();
    });
  }));

  test('a node that opens too late is closed', () => story((service) async {
    await inFolder((folder) async {
      final gate = Completer<void>();
      String? kept;
      final store = KeyStore.ofTexts(read: () => gate.future.then((_) => kept), write: (text) async => kept = text);
      final opening = Node.open(settings(service, folder: folder), keyStore: store);
      await fails<TimeoutException>(() => opening.timeout(const Duration(milliseconds: 1)));
      gate.complete();
      // It may have been opened all the same, and was closed then.
      await opening.then<void>((node) => node.close(), onError: (_) {});
      await (await Node.open(settings(service, folder: folder), keyStore: store)).close();
    });
  }));

  test('a subscription that is cancelled leaves nothing behind', () => alone((node) async {
    // At most 16 pages of observers may be under way; 300 observers that stayed would stop all others.
    for (var turn = 0; turn < 300; turn++) {
      await node.observe('g', 'c').first;
      final subscription = node.changes('g', 'c').listen(null);
      await subscription.cancel();
    }
    await node.put('g', 'c', 'r', {'x': 1});
    expect((await node.observe('g', 'c').first).length, 1);
  }));
}

final class _Waiting implements KeyStore {
  _Waiting(this.asked);

  final Completer<void> asked;

  @override
  Future<Uint8List?> load() {
    asked.complete();
    return Completer<Uint8List?>().future;
  }

  @override
  Future<void> save(Uint8List secret) => throw StateError('nothing was loaded');
}
