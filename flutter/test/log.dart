import 'dart:async';

import 'package:connectoid/connectoid.dart';

import 'src/runner.dart';
import 'src/support.dart';

void logTests() {
  test('the log tells what a node does, without a secret', () => story((service) async {
    final told = <LogLine>[];
    final closed = Completer<void>();
    // Both say that they are closed, and that is the last of each.
    final log = ConnectoidLog.follow(LogLevel.trace).listen((line) {
      told.add(line);
      if (told.where((line) => line.message == 'closed').length == 2) closed.complete();
    });
    final (alice, bob) = (await openNode(service), await openNode(service));
    await pair(alice, bob);
    await alice.put('g', 'c', 'r', {'secret': 'swordfish'});
    await bob.shows('r', {'secret': 'swordfish'});
    log.pause();
    final link = (await alice.share('carol', group: 'g')).link;
    await alice.close();
    log.resume();
    await bob.close();
    await closed.future.timeout(patience);
    await log.cancel();
    check(told.any((line) => line.level == LogLevel.debug && line.message.endsWith(': connected')), told);
    check(told.every((line) => line.target.startsWith('connectoid')), told);
    final point = link.split('connectoid=')[1].split('.').first;
    for (final secret in [point, alice.userId, bob.userId, 'swordfish', '127.0.0.1', 'http']) {
      check(!told.any((line) => line.message.contains(secret)), '$secret: $told');
    }
  }));

  test('a level that this package does not know is refused', () async {
    await ConnectoidLog.follow(LogLevel.unknown).first.then(
      (_) => check(false),
      onError: (Object error) => check(error is UsageException, error),
    );
  });
}
