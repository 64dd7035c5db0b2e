import 'dart:convert';
import 'dart:io';

import 'package:connectoid/connectoid.dart';
import 'package:connectoid/flutter.dart';
import 'package:connectoid/src/native.dart';

import 'quick_start.dart';
import 'src/runner.dart';
import 'src/support.dart';

enum _AppLifecycleState { resumed, inactive, hidden, paused, detached }

void packageTests() {
  final root = Platform.script.resolve('..');
  final schemaFile = File.fromUri(root.resolve('../bindings/c/schema.json'));

  test('the quick start does what it says', () => story((service) => inFolder((folder) async {
    expect(await quickStart(service, folder), 'milk: 2');
  })));

  test('the quick start is in the readme as it stands', () {
    final source = File.fromUri(root.resolve('test/quick_start.dart')).readAsStringSync();
    check(File.fromUri(root.resolve('README.md')).readAsStringSync().contains('```dart\n$source```\n'));
  });

  test('each kind of error has its class, named alike', () {
    final schema = jsonDecode(schemaFile.readAsStringSync()) as Map<String, Object?>;
    final types = schema[r'$defs'] as Map<String, Object?>;
    final kinds = (types['ErrorKind'] as Map<String, Object?>)['oneOf'] as List<Object?>;
    for (final kind in kinds.cast<Map<String, Object?>>()) {
      final name = kind['const'] as String;
      final exception = ConnectoidException.fromJson({'kind': name, 'message': 'text'});
      final alike = name == 'timeout' ? 'timedout' : name.replaceAll('_', '');
      expect('${exception.runtimeType}'.toLowerCase(), '${alike}exception');
      expect([exception.kind, exception.message], [name, 'text']);
      expect(exception.toJson(), {'kind': name, 'message': 'text'});
    }
    final unknown = ConnectoidException('newer', 'text');
    check(unknown is UnknownException && unknown.blame == Blame.internal && '$unknown'.contains('text'));
  });

  test('what a newer library says is unknown, and no failure', () {
    final event = Event.fromJson({'event': 'newer', 'sequence': 1, 'at': 2, 'more': 3});
    check(event is UnknownEvent && event.sequence == 1 && event.json['more'] == 3);
    expect(Role.fromJson('newer'), Role.unknown);
  });

  test('events are values', () {
    final json = {'event': 'paired', 'sequence': 7, 'at': 1700000000000000, 'nickname': 'bob', 'newer': 1};
    final event = Event.fromJson(json);
    expect(event, PairedEvent(sequence: 7, at: DateTime.utc(2023, 11, 14, 22, 13, 20), nickname: 'bob'));
    expect(event.hashCode, Event.fromJson(json).hashCode);
    expect(Event.fromJson(event.toJson()), event);
    check('$event'.startsWith('PairedEvent{') && '$event'.contains('bob'), event);
  });

  test('the version is that of the package', () {
    final pubspec = File.fromUri(root.resolve('pubspec.yaml')).readAsStringSync();
    check(pubspec.contains('\nversion: ${Library.instance.version}\n'), Library.instance.version);
  });

  test('a job in the background syncs', () => storyOfTwo((alice, bob) async {
    const quiet = Duration(seconds: 1);
    check(await alice.syncInBackground(quiet: quiet));
    await bob.close();
    await alice.put('g', 'c', 'r', {'x': 1});
    check(!await alice.syncInBackground(budget: quiet));
  }));

  test('an app tells that it comes and goes, and that the network changes', () async {
    final told = <Object>[];
    final watcher = AppStateWatcher.telling((pace) async => told.add(pace));
    for (final state in ['inactive', 'resumed', 'inactive', 'hidden', 'paused', 'hidden', 'inactive', 'resumed']) {
      watcher.changed(_AppLifecycleState.values.byName(state));
    }
    check(told.join() == [Pace.foreground, Pace.background, Pace.foreground].join(), told);
    told.clear();
    final network = NetworkWatcher.telling(() async => told.add('changed'));
    for (final kinds in [['wifi'], ['wifi'], ['mobile'], <String>[]]) {
      network.changed(kinds);
    }
    check(told.length == 2, told);
  });

  test('what the platform says while the app closes is of no interest', () => storyOfTwo((alice, bob) async {
    final watcher = AppStateWatcher(bob)..changed(_AppLifecycleState.hidden);
    final network = NetworkWatcher(bob)..changed(['wifi']);
    // The connection moves over; whoever opened the link begins.
    final moved = bob.events.firstWhere((event) => event is DisconnectedEvent || event is ConnectedEvent);
    network.changed(['mobile']);
    await moved;
    await bob.close();
    // An error that nobody catches would end the test.
    watcher.changed(_AppLifecycleState.resumed);
    network.changed(['wifi']);
    await fails<ClosedException>(bob.groups);
  }));
}
