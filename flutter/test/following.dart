import 'dart:async';

import 'package:connectoid/connectoid.dart';

import 'src/runner.dart';
import 'src/support.dart';

Map<String, Object?> _x(int value) => {'x': value};

List<String> _ids(List<Record> records) => [for (final record in records) record.id];

void followingTests() {
  test('a list shows what a peer writes and deletes', () => storyOfTwo((alice, bob) async {
    final shown = StreamIterator(bob.observe('g', 'c').map(_ids));
    Future<void> until(List<String> ids) async {
      do {
        check(await shown.moveNext().timeout(patience));
      } while (shown.current.join(',') != ids.join(','));
    }

    await until([]);
    await alice.put('g', 'c', 'milk', _x(1));
    await until(['milk']);
    await alice.commit('g', [
      for (final id in ['tea', 'eggs']) Write.put(collection: 'c', id: id, fields: _x(1)),
    ]);
    await until(['eggs', 'milk', 'tea']);
    await alice.delete('g', 'c', 'milk');
    await until(['eggs', 'tea']);
    await shown.cancel();
  }));

  test('a list can be observed before there is its group', () => story((service) async {
    final (alice, bob) = (await openNode(service), await openNode(service));
    await alice.createGroup('g');
    await alice.put('g', 'c', 'milk', _x(1));
    final lists = bob.observe('g', 'c').asBroadcastStream();
    expect(await lists.first, <Record>[]);
    final milk = lists.firstWhere((list) => list.isNotEmpty);
    await pair(alice, bob);
    expect(_ids(await milk.timeout(patience)), ['milk']);
    await Future.wait([alice.close(), bob.close()]);
  }));

  test('all that there is comes first, then an empty list, then what changes', () => alone((node) async {
    for (var page = 0; page < 3; page++) {
      await node.commit('g', [
        for (var at = 0; at < 900; at++)
          Write.put(collection: 'c', id: '${page * 900 + at}'.padLeft(4, '0'), fields: _x(1)),
      ]);
    }
    final changes = StreamIterator(node.changes('g', 'c'));
    final first = <String>{};
    while (await changes.moveNext() && changes.current.isNotEmpty) {
      first.addAll(changes.current.map((change) => change.id));
    }
    expect(first.length, 2700);
    await node.delete('g', 'c', '0000');
    check(await changes.moveNext().timeout(patience));
    expect(changes.current, [const RecordChange(id: '0000')]);
    await changes.cancel();
  }));

  test('a list that is paused shows the latest when it goes on', () => alone((node) async {
    final shown = <int>[];
    final begun = Completer<void>();
    final complete = Completer<void>();
    final subscription = node.observe('g', 'c').listen((records) {
      shown.add(records.length);
      if (!begun.isCompleted) begun.complete();
      if (records.length == 100) complete.complete();
    });
    await begun.future;
    subscription.pause();
    final all = node.observe('g', 'c').firstWhere((records) => records.length == 100);
    await Future.wait([for (var at = 0; at < 100; at++) node.put('g', 'c', '$at', _x(at))]);
    await all.timeout(patience);
    expect(shown, [0]);
    subscription.resume();
    await complete.future.timeout(patience);
    check(shown.length < 50, shown);
    await subscription.cancel();
  }));

  test('what was held back for a listener that is paused comes before the end', () => alone((node) async {
    final (begun, ended) = (Completer<void>(), [Completer<void>(), Completer<void>()]);
    final (changed, lists) = (<String>[], <List<String>>[]);
    final subscriptions = [
      node.changes('g', 'c').listen(
        (changes) {
          changed.addAll([for (final change in changes) change.id]);
          if (changes.isEmpty && !begun.isCompleted) begun.complete();
        },
        onDone: ended.first.complete,
      ),
      node.observe('g', 'c').listen((records) => lists.add(_ids(records)), onDone: ended.last.complete),
    ];
    await begun.future;
    for (final subscription in subscriptions) {
      subscription.pause();
    }
    final followers = [
      for (final _ in subscriptions) node.observe('g', 'c').firstWhere((records) => records.isNotEmpty),
    ];
    await node.put('g', 'c', 'milk', _x(1));
    await Future.wait(followers).timeout(patience);
    await node.close();
    expect(changed, <String>[]);
    for (final subscription in subscriptions) {
      subscription.resume();
    }
    await Future.wait([for (final end in ended) end.future]).timeout(patience);
    expect(changed, ['milk']);
    expect(lists.last, ['milk']);
  }));

  test('a listener that throws is reported and harms nothing', () => alone((node) async {
    final reports = <Object>[];
    final third = Completer<Event>();
    runZonedGuarded(() {
      var count = 0;
      node.events.listen((event) async {
        count++;
        if (count == 1) throw StateError('thrown by the app');
        // Not only exceptions: an assertion is an Error.
        if (count == 2) throw AssertionError('thrown by the app');
        // A listener may call the node.
        await node.groups();
        if (!third.isCompleted) third.complete(event);
      });
      var lists = 0;
      node.observe('g', 'c').listen((_) => lists++ == 0 ? throw StateError('by a list') : null);
    }, (error, _) => reports.add(error));
    for (var value = 0; value < 3; value++) {
      await node.put('g', 'c', 'r', _x(value));
    }
    check(await third.future.timeout(patience) is ChangedEvent);
    check(reports.whereType<StateError>().length == 2 && reports.length == 3, reports);
  }));

  test('a listener that throws at once is reported and harms nothing', () => alone((node) async {
    final reports = <Object>[];
    final second = Completer<void>();
    runZonedGuarded(() {
      var count = 0;
      node.events.listen((event) => count++ == 0 ? throw StateError('by the app') : second.complete());
    }, (error, _) => reports.add(error));
    await node.put('g', 'c', 'r', _x(1));
    await node.put('g', 'c', 'r', _x(2));
    await second.future.timeout(patience);
    expect(reports.length, 1);
  }));

  test('a subscription that was cancelled is told nothing any more', () => alone((node) async {
    final heard = <Event>[];
    final first = Completer<void>();
    final subscription = node.events.listen((event) {
      heard.add(event);
      if (!first.isCompleted) first.complete();
    });
    await node.put('g', 'c', 'r', _x(1));
    await first.future.timeout(patience);
    await subscription.cancel();
    final count = heard.length;
    final changed = node.next<ChangedEvent>();
    await node.put('g', 'c', 'r', _x(2));
    await changed;
    expect(heard.length, count);
  }));

  test('a listener that is too slow is told so', () => alone((node) async {
    final heard = <Event>[];
    final subscription = node.events.listen(heard.add)..pause();
    final last = node.events.where((event) => event is ChangedEvent).take(1500).last;
    for (var batch = 0; batch < 15; batch++) {
      await Future.wait([for (var at = 0; at < 100; at++) node.put('g', 'c', '$at', _x(batch))]);
    }
    final sequence = (await last.timeout(patience)).sequence;
    final resumed = node.next<ChangedEvent>();
    subscription.resume();
    await node.put('g', 'c', 'r', _x(1));
    await resumed;
    check(heard.first is ResyncEvent, heard.first);
    expect(heard.where((event) => event is ResyncEvent).length, 1);
    expect(heard.last.sequence, sequence + 1);
    check(heard.length <= 1026, heard.length);
    await subscription.cancel();
  }));

  test('streams end with their node', () => story((service) async {
    final node = await openNode(service);
    await node.createGroup('g');
    final streams = <Stream<Object>>[
      node.events,
      node.observe('g', 'c'),
      node.changes('g', 'c'),
      node.observe('missing', 'c'),
    ];
    final ends = [for (final stream in streams) stream.length];
    await node.put('g', 'c', 'r', _x(1));
    await node.close();
    await Future.wait(ends).timeout(patience);
    for (final stream in [...streams, node.events]) {
      await fails<ClosedException>(() => stream.length);
    }
  }));
}
