import 'dart:async';

import 'package:connectoid/connectoid.dart';
import 'package:flutter/material.dart';

import 'backend.dart';

/// Everybody the list is shared with, and how well it got there.
class PeoplePage extends StatefulWidget {
  const PeoplePage({required this.node, super.key});

  final Node node;

  @override
  State<PeoplePage> createState() => _PeoplePageState();
}

class _PeoplePageState extends State<PeoplePage> {
  late final StreamSubscription<Event> _events;
  List<Peer> _peers = const [];

  @override
  void initState() {
    super.initState();
    _events = widget.node.events.listen((_) => unawaited(_read()));
    unawaited(_read());
  }

  @override
  void dispose() {
    unawaited(_events.cancel());
    super.dispose();
  }

  Future<void> _read() async {
    try {
      final peers = await widget.node.peers();
      if (mounted) setState(() => _peers = peers);
    } on ClosedException {
      // The app is going; nobody looks any more.
      return;
    } on ConnectoidException catch (failure) {
      _say(describe(failure));
    }
  }

  Future<void> _try(Future<void> Function() action) async {
    try {
      await action();
    } on ConnectoidException catch (failure) {
      _say(describe(failure));
    }
    await _read();
  }

  void _say(String text) {
    if (mounted) ScaffoldMessenger.of(context).showSnackBar(SnackBar(content: Text(text)));
  }

  @override
  Widget build(BuildContext context) => Scaffold(
    appBar: AppBar(title: const Text('People')),
    body: ListView(
      children: [
        for (final peer in _peers)
          ListTile(
            leading: Icon(switch (peer) {
              Peer(alarms: > 0, verified: Verified.link || Verified.linkQuery) => Icons.warning,
              Peer(verified: Verified.sas || Verified.inPersonQr) => Icons.verified_user,
              _ => Icons.person,
            }),
            title: Text(peer.nickname),
            subtitle: Text([_state(peer), ?_alarm(peer)].join('\n')),
            trailing: PopupMenuButton<void Function()>(
              onSelected: (action) => action(),
              itemBuilder: (_) => [
                PopupMenuItem(
                  value: () => unawaited(_try(() => widget.node.verify(peer.nickname))),
                  child: const Text('Compare emoji'),
                ),
                PopupMenuItem(
                  value: () => unawaited(_try(() => widget.node.unshare(peer.nickname))),
                  child: const Text('Stop sharing'),
                ),
              ],
            ),
          ),
      ],
    ),
  );

  /// What the home page said once stays here until emoji were compared.
  String? _alarm(Peer peer) => switch (peer) {
    Peer(alarms: > 0, verified: Verified.link || Verified.linkQuery) =>
      'Somebody else tried to open the link. Compare emoji!',
    _ => null,
  };

  String _state(Peer peer) {
    if (peer.problem case final problem?) return describe(problem);
    final lacks = peer.groups.fold(0, (sum, group) => sum + group.lacks);
    return switch (peer.state) {
      PairState.invited => 'has not opened the link yet',
      PairState.opening => 'has not answered yet',
      PairState.refused => 'the link does not work',
      PairState.paired when lacks > 0 => '$lacks changes to send',
      PairState.paired || PairState.unknown => 'has everything',
    };
  }
}
