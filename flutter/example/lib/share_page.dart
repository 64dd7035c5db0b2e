import 'dart:async';
import 'dart:typed_data';

import 'package:connectoid/connectoid.dart';
import 'package:flutter/material.dart';
import 'package:flutter/services.dart';
import 'package:share_plus/share_plus.dart';

import 'backend.dart';

/// Makes a link for a person: to send by a messenger, or to be scanned from this screen.
class SharePage extends StatefulWidget {
  const SharePage({required this.node, required this.list, super.key});

  final Node node;

  /// The id of the list's group.
  final String list;

  @override
  State<SharePage> createState() => _SharePageState();
}

class _SharePageState extends State<SharePage> {
  String _nickname = '';
  bool _readOnly = false;
  SharedLink? _link;
  Uint8List? _image;
  String? _problem;
  bool _sharing = false;

  Future<void> _share() async {
    setState(() {
      _sharing = true;
      _problem = null;
    });
    try {
      final link = await widget.node.share(
        _nickname,
        group: widget.list,
        role: _readOnly ? Role.reader : Role.writer,
      );
      // The link is made, even if no image of it can be.
      if (mounted) setState(() => _link = link);
      final image = await widget.node.qr(link.link);
      if (mounted) setState(() => _image = image);
    } on ConnectoidException catch (failure) {
      if (mounted) setState(() => _problem = describe(failure));
    } finally {
      if (mounted) setState(() => _sharing = false);
    }
  }

  /// Shows what apps can send the link; on an iPad beside the button.
  Future<void> _send(BuildContext button, SharedLink link) async {
    final box = button.findRenderObject()! as RenderBox;
    final place = box.localToGlobal(Offset.zero) & box.size;
    try {
      await SharePlus.instance.share(ShareParams(text: link.link, sharePositionOrigin: place));
    } on PlatformException catch (failure) {
      if (mounted) setState(() => _problem = failure.message);
    }
  }

  @override
  Widget build(BuildContext context) => Scaffold(
    appBar: AppBar(title: const Text('Share the list')),
    body: ListView(
      padding: const EdgeInsets.all(16),
      children: [
        if (_link case final link?) ..._shared(link) else ..._form(),
        if (_problem case final problem?) Text(problem),
      ],
    ),
  );

  List<Widget> _form() => [
    TextField(
      decoration: const InputDecoration(labelText: 'Who do you share with?'),
      onChanged: (text) => setState(() => _nickname = text.trim()),
    ),
    SwitchListTile(
      value: _readOnly,
      title: const Text('May only read'),
      onChanged: (readOnly) => setState(() => _readOnly = readOnly),
    ),
    FilledButton(
      onPressed: _nickname.isEmpty || _sharing ? null : _share,
      child: const Text('Make a link'),
    ),
  ];

  List<Widget> _shared(SharedLink link) => [
    Text('This link is for $_nickname alone, and works once, until ${link.expires.toLocal()}.'),
    if (_image case final image?) Image.memory(image, semanticLabel: 'The link as a QR code'),
    Builder(
      builder: (button) => FilledButton(
        onPressed: () => unawaited(_send(button, link)),
        child: const Text('Send'),
      ),
    ),
  ];
}
