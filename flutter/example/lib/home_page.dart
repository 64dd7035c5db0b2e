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
  List<Group> _lists = const [];

  /// The list that is shown, and what is in it. Kept in the state: `build` would make a new stream each time.
  Group? _list;
  Stream<List<Record>>? _items;
  late final StreamSubscription<Event> _events;
  late final StreamSubscription<Uri> _links;
  final TextEditingController _name = TextEditingController();

  @override
  void initState() {
    super.initState();
    _events = widget.backend.node.events.listen(_onEvent);
    _links = AppLinks().uriLinkStream.listen((link) => _openLink('$link'));
    unawaited(_choose(null));
  }

  @override
  void dispose() {
    unawaited(_events.cancel());
    unawaited(_links.cancel());
    _name.dispose();
    super.dispose();
  }

  /// Shows a list, by the id of its group; the first there is if none is given.
  Future<void> _choose(String? id) => _try(() async {
    final lists = await widget.backend.lists();
    if (!mounted) return;
    setState(() {
      _lists = lists;
      _list = lists.firstWhere((list) => list.id == id, orElse: () => lists.first);
      _items = widget.backend.node.observe(_list!.id, collection);
    });
  });

  void _onEvent(Event event) {
    switch (event) {
      case JoinedEvent(:final group, name: groupName):
        unawaited(_choose(group));
      case RemovedEvent() || ResyncEvent():
        unawaited(_choose(_list?.id));
      case EmojisEvent():
        unawaited(_compare(event));
      default:
        break;
    }
    final text = switch (event) {
      PairedEvent(:final nickname) => 'You are in touch with $nickname.',
      OpenRefusedEvent(:final problem) => describe(problem),
      LinkOpenedAgainEvent(:final nickname) =>
        'Careful: somebody else tried to open the link for $nickname. Ask $nickname to compare emoji.',
      RemovedEvent() => 'You are not in this list any more.',
      ServiceProblemEvent(:final problem) => describe(problem),
      UnsharedEvent(:final nickname) => '$nickname does not share with you any more.',
      _ => null,
    };
    if (text != null) _say(text);
  }

  /// Both people see the same emoji, unless somebody is between them. Whoever did not begin is
  /// asked too, on whatever page.
  Future<void> _compare(EmojisEvent event) async {
    final same = await showDialog<bool>(
      context: context,
      builder: (context) => AlertDialog(
        title: Text('Does ${event.nickname} see the same?'),
        content: Text('${event.emojis}\n${event.names.join(', ')}'),
        actions: [
          TextButton(onPressed: () => Navigator.pop(context, false), child: const Text('No')),
          TextButton(onPressed: () => Navigator.pop(context, true), child: const Text('Yes')),
        ],
      ),
    );
    if (same != null) await _try(() => widget.backend.node.confirmVerify(event.nickname, same: same));
  }

  /// A link that did not open the app by itself: copied out of a messenger.
  Future<void> _pasteLink() async {
    final link = await askFor(context, 'Which link do you have?');
    if (link != null && mounted) await _openLink(link);
  }

  /// A link of a messenger opened the app. Asks who sent it.
  Future<void> _openLink(String link) async {
    final nickname = await askFor(context, 'Who sent you this link?');
    if (nickname == null) return;
    await _try(() => widget.backend.node.openLink(link, nickname: nickname));
  }

  Future<void> _add() async {
    final (list, name) = (_list, _name.text);
    if (list == null || name.trim().isEmpty) return;
    _name.clear();
    await _try(() => widget.backend.add(list.id, name));
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
      title: _lists.length < 2 ? const Text('Shopping list') : _chooser(),
      actions: [
        IconButton(icon: const Icon(Icons.link), tooltip: 'Open a link', onPressed: _pasteLink),
        IconButton(
          icon: const Icon(Icons.people),
          tooltip: 'People',
          onPressed: () => _show(PeoplePage(node: widget.backend.node)),
        ),
        IconButton(
          icon: const Icon(Icons.share),
          tooltip: 'Share',
          // Whose list it is decides who else gets it.
          onPressed: switch (_list) {
            Group(:final id, role: Role.owner) =>
              () => _show(SharePage(node: widget.backend.node, list: id)),
            _ => null,
          },
        ),
      ],
    ),
    body: Column(
      children: [
        Expanded(
          child: StreamBuilder(
            // Another list begins empty, and not with the items of the last.
            key: ValueKey(_list?.id),
            stream: _items,
            builder: (context, snapshot) => switch (snapshot) {
              AsyncSnapshot(:final error?) => Center(child: Text(describe(error))),
              AsyncSnapshot(:final data) => ListView(
                children: [for (final item in data ?? const <Record>[]) _item(item)],
              ),
            },
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

  Widget _chooser() => DropdownButton<String>(
    value: _list?.id,
    onChanged: _choose,
    items: [
      for (final list in _lists) DropdownMenuItem(value: list.id, child: Text(_titleOf(list))),
    ],
  );

  String _titleOf(Group list) {
    if (list.role == Role.owner) return 'My list';
    final owner = list.members.where((member) => member.role == Role.owner).firstOrNull?.nickname;
    return owner == null ? 'A list of somebody else' : 'The list of $owner';
  }

  Widget _item(Record item) => Dismissible(
    key: ValueKey((_list?.id, item.id)),
    // The list takes it away when it is deleted, and keeps it if it may not be.
    confirmDismiss: (_) async {
      await _try(() => widget.backend.remove(_list!.id, item.id));
      return false;
    },
    child: CheckboxListTile(
      value: item['done'] == true,
      title: Text('${item['name'] ?? item.id}'),
      secondary: Text('${Backend.countOf(item)}'),
      onChanged: (done) =>
          _try(() => widget.backend.check(_list!.id, item.id, done: done ?? false)),
    ),
  );
}

/// Asks for a text, such as the name of a person; null if none was given.
Future<String?> askFor(BuildContext context, String question) {
  var answer = '';
  return showDialog<String>(
    context: context,
    builder: (context) => AlertDialog(
      title: Text(question),
      content: TextField(autofocus: true, onChanged: (text) => answer = text.trim()),
      actions: [
        TextButton(onPressed: () => Navigator.pop(context), child: const Text('Cancel')),
        TextButton(
          onPressed: () => Navigator.pop(context, answer.isEmpty ? null : answer),
          child: const Text('OK'),
        ),
      ],
    ),
  );
}
