import 'dart:async';

import 'package:app_links/app_links.dart';
import 'package:connectoid/connectoid.dart';
import 'package:flutter/material.dart';

import 'backend.dart';
import 'people_page.dart';
import 'share_page.dart';

/// The list, live.
class HomePage extends StatefulWidget {
  const HomePage({required this.backend, super.key});

  final Backend backend;

  @override
  State<HomePage> createState() => _HomePageState();
}

class _HomePageState extends State<HomePage> {
  /// Kept in the state: `build` would make a new one each time.
  late final Stream<List<Record>> _items = widget.backend.node.observe(group, collection);
  late final StreamSubscription<Event> _events;
  late final StreamSubscription<Uri> _links;
  final TextEditingController _name = TextEditingController();

  @override
  void initState() {
    super.initState();
    _events = widget.backend.node.events.listen(_onEvent);
    _links = AppLinks().uriLinkStream.listen((link) => _openLink('$link'));
  }

  @override
  void dispose() {
    unawaited(_events.cancel());
    unawaited(_links.cancel());
    _name.dispose();
    super.dispose();
  }

  void _onEvent(Event event) {
    final text = switch (event) {
      PairedEvent(:final nickname) => 'You and $nickname now have the same list.',
      OpenRefusedEvent(:final problem) => describe(problem),
      LinkOpenedAgainEvent(:final nickname) =>
        'Careful: somebody else tried to open the link for $nickname. Ask $nickname to compare emoji.',
      UnsharedEvent(:final nickname) => '$nickname does not share with you any more.',
      _ => null,
    };
    if (text != null) _say(text);
  }

  /// A link of a messenger opened the app. Asks who sent it.
  Future<void> _openLink(String link) async {
    final nickname = await askForName(context, 'Who sent you this link?');
    if (nickname == null) return;
    await _try(() => widget.backend.node.openLink(link, nickname: nickname));
  }

  Future<void> _add() async {
    if (_name.text.trim().isEmpty) return;
    await _try(() => widget.backend.add(_name.text));
    _name.clear();
  }

  /// Does something and tells what went wrong.
  Future<void> _try(Future<void> Function() action) async {
    try {
      await action();
    } on ConnectoidException catch (failure) {
      _say(describe(failure));
    }
  }

  void _say(String text) {
    if (mounted) ScaffoldMessenger.of(context).showSnackBar(SnackBar(content: Text(text)));
  }

  void _show(Widget page) => Navigator.push(context, MaterialPageRoute<void>(builder: (_) => page));

  @override
  Widget build(BuildContext context) => Scaffold(
    appBar: AppBar(
      title: const Text('Shopping list'),
      actions: [
        IconButton(
          icon: const Icon(Icons.people),
          tooltip: 'People',
          onPressed: () => _show(PeoplePage(node: widget.backend.node)),
        ),
        IconButton(
          icon: const Icon(Icons.share),
          tooltip: 'Share',
          onPressed: () => _show(SharePage(node: widget.backend.node)),
        ),
      ],
    ),
    body: Column(
      children: [
        Expanded(
          child: StreamBuilder(
            stream: _items,
            builder: (context, snapshot) => ListView(
              children: [for (final item in snapshot.data ?? const <Record>[]) _item(item)],
            ),
          ),
        ),
        SafeArea(
          child: Padding(
            padding: const EdgeInsets.all(8),
            child: TextField(
              controller: _name,
              decoration: const InputDecoration(hintText: 'What do you need?'),
              onSubmitted: (_) => _add(),
            ),
          ),
        ),
      ],
    ),
  );

  Widget _item(Record item) => Dismissible(
    key: ValueKey(item.id),
    onDismissed: (_) => _try(() => widget.backend.remove(item.id)),
    child: CheckboxListTile(
      value: item['done'] == true,
      title: Text('${item['name'] ?? item.id}'),
      secondary: Text('${item['count'] ?? 1}'),
      onChanged: (done) => _try(() => widget.backend.check(item.id, done: done ?? false)),
    ),
  );
}

/// Asks for the name of a person; null if none was given.
Future<String?> askForName(BuildContext context, String question) {
  var name = '';
  return showDialog<String>(
    context: context,
    builder: (context) => AlertDialog(
      title: Text(question),
      content: TextField(autofocus: true, onChanged: (text) => name = text.trim()),
      actions: [
        TextButton(onPressed: () => Navigator.pop(context), child: const Text('Cancel')),
        TextButton(
          onPressed: () => Navigator.pop(context, name.isEmpty ? null : name),
          child: const Text('OK'),
        ),
      ],
    ),
  );
}
