import 'package:connectoid/connectoid.dart';

Future<String> quickStart(String service, String folder) async {
  // Both run here for show, and so `loopback`; really, each is an app on a device of its own.
  Settings settings(String name) =>
      Settings(folder: '$folder/$name', services: [service], loopback: true);
  final alice = await Node.open(settings('alice'));
  final bob = await Node.open(settings('bob'));

  // "Who do you share with?" "Bob." Send this link by any messenger; on Bob's device, it opens the app.
  final SharedLink(:link) = await alice.share('bob', group: 'shopping');
  await bob.openLink(link, nickname: 'alice');

  // Both write, offline or not; both see the same.
  await alice.put('shopping', 'items', 'milk', {'count': 2});
  final items = await bob.observe('shopping', 'items').firstWhere((items) => items.isNotEmpty);

  await Future.wait([alice.close(), bob.close()]);
  return [for (final item in items) '${item.id}: ${item['count']}'].join(', ');
}
