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
  Future<void> add(String list, String name) async {
    final id = name.trim().toLowerCase();
    final present = await node.record(list, collection, id);
    // Others write too, and perhaps something else.
    final count = switch (present?['count']) {
      final int count => count,
      _ => 0,
    };
    await node.put(list, collection, id, {'name': name.trim(), 'count': count + 1, 'done': false});
  }

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
  LinkUsedException() => 'Somebody else has opened this link before you. Tell whoever sent it.',
  LinkExpiredException() || LinkRevokedException() || LinkClosedException() =>
    'This link does not work any more. Ask for a new one.',
  LinkMalformedException() => 'This is no link, or a part of it is missing.',
  ServiceUnreachableException() => 'There is no network, or the mailbox service is down.',
  NotPermittedException() => 'You may read this list, but not change it.',
  WrongKeyException() => 'The key of this app is gone. Restore it, or delete the app\'s data.',
  ConnectoidException(:final message) => message,
  _ => '$error',
};
