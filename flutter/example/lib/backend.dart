import 'dart:async';

import 'package:connectivity_plus/connectivity_plus.dart';
import 'package:connectoid/connectoid.dart';
import 'package:connectoid/flutter.dart';
import 'package:flutter/widgets.dart';
import 'package:flutter_secure_storage/flutter_secure_storage.dart';
import 'package:path_provider/path_provider.dart';

/// What the group of every list is called, and the collection in it. One list is this user's own, others are those of
/// people who share theirs; all have this name, so a list goes by its group's id.
const groupName = 'shopping';
const collection = 'items';

/// The node of this app, and what tells it of the platform.
class Backend {
  Backend._(this.node, AppStateWatcher watcher)
    : _lifecycle = AppLifecycleListener(onStateChange: watcher.changed),
      _network = Connectivity().onConnectivityChanged.listen(
        NetworkWatcher(node).changed,
        // Where the plugin cannot tell, a connection that broke is noticed by its silence.
        onError: (Object _) {},
      ) {
    // The listener tells changes only, and the user may have left while the node was being opened.
    if (WidgetsBinding.instance.lifecycleState case final state?) watcher.changed(state);
  }

  /// Opens the node. Its secret is kept where the platform keeps secrets.
  static Future<Backend> open() async {
    final folder = await getApplicationSupportDirectory();
    const storage = FlutterSecureStorage(
      // A secret that cannot be read now may be readable later. Without it, all data is lost.
      aOptions: AndroidOptions(resetOnError: false),
      // Work in the background finds it too, and no other device does.
      iOptions: IOSOptions(accessibility: KeychainAccessibility.first_unlock_this_device),
    );
    final node = await Node.open(
      Settings(
        folder: '${folder.path}/connectoid',
        services: const ['https://mailbox.example'],
        linkBase: 'https://app.example/open',
      ),
      keyStore: KeyStore.ofTexts(
        read: () => storage.read(key: 'connectoid'),
        write: (text) => storage.write(key: 'connectoid', value: text),
      ),
    );
    try {
      final groups = await node.groups();
      if (groups.every((group) => group.name != groupName)) await node.createGroup(groupName);
      return Backend._(node, AppStateWatcher(node));
    } on Object {
      // It holds its folder; whoever tries again would not get it.
      await node.close();
      rethrow;
    }
  }

  final Node node;
  final AppLifecycleListener _lifecycle;
  final StreamSubscription<Object?> _network;

  /// The lists that this user is in.
  Future<List<Group>> lists() async => [
    for (final group in await node.groups())
      if (group.name == groupName && group.role != null) group,
  ];

  /// Adds an item, or one more of it.
  ///
  /// Of a field that two people write at the same time, one value is lost. So everybody counts in a field of their own,
  /// and [countOf] adds them up.
  Future<void> add(String list, String name) => _adding = _adding.then((_) => _add(list, name), onError: (_) => _add(list, name));

  /// One after the other: two taps in a row must not both read the same number.
  Future<void> _adding = Future.value();

  Future<void> _add(String list, String name) async {
    final id = name.trim().toLowerCase();
    final own = '$_count${node.userId}';
    final before = _number((await node.record(list, collection, id))?[own]);
    await node.put(list, collection, id, {'name': name.trim(), own: before + 1, 'done': false});
  }

  /// How many of an item are wanted, by all who want some.
  static int countOf(Record item) => [
    for (final MapEntry(:key, :value) in item.fields.entries)
      if (key.startsWith(_count)) _number(value),
  ].fold(0, (sum, count) => sum + count);

  /// How the fields begin that count.
  static const _count = 'count ';

  /// Others write too, and perhaps something else.
  static int _number(Object? value) => value is int ? value : 0;

  /// Says whether an item was bought.
  Future<void> check(String list, String id, {required bool done}) =>
      node.put(list, collection, id, {'done': done});

  Future<void> remove(String list, String id) => node.delete(list, collection, id);

  Future<void> close() async {
    _lifecycle.dispose();
    await _network.cancel();
    await node.close();
  }
}

/// What to tell a person.
String describe(Object error) => switch (error) {
  LinkUsedException() =>
    'This link was opened before, by somebody else or by you on another device. If it was not you, tell whoever sent it.',
  LinkExpiredException() || LinkRevokedException() || LinkClosedException() =>
    'This link does not work any more. Ask for a new one.',
  LinkMalformedException() => 'This is no link, or a part of it is missing or changed. Ask for it again.',
  ServiceUnreachableException() => 'There is no network, or the mailbox service is down.',
  NotPermittedException() => 'You may read this list, but not change it.',
  WrongKeyException() => 'The key of this app is gone. Restore it, or delete the app\'s data.',
  ConnectoidException(:final message) => message,
  _ => '$error',
};
