/// Plays a person of a story: `tests/scenarios/README.md` says what it is told and what it answers.
library;

import 'dart:async';
import 'dart:convert';
import 'dart:io';
import 'dart:typed_data';

import 'package:connectoid/connectoid.dart';

typedef _Json = Map<String, Object?>;

Future<void> main() async {
  final actor = _Actor();
  final lines = stdin.transform(utf8.decoder).transform(const LineSplitter());
  await lines.forEach((line) => actor.take(jsonDecode(line) as _Json));
  await actor.node?.close();
  await stdout.flush();
  exit(0);
}

void _write(_Json json) => stdout.writeln(jsonEncode(json));

const _done = {'reply': 'done'};

final class _Actor {
  Node? node;
  final Map<int, void Function()> _running = {};

  /// Carries out what it is told. Does not wait for it.
  void take(_Json told) {
    final id = told['id'] as int;
    switch (told) {
      case {'open': final _Json settings}:
        _open(id, settings);
      case {'call': final _Json call} when call['method'] == 'changes':
        _follow(id, call);
      case {'call': final _Json call}:
        _call(id, call);
      case {'cancel': final int other}:
        _running[other]?.call();
        _write({'id': id, 'reply': _done});
      case {'close': true}:
        _answer(id, node!.close().then((_) => _done));
    }
  }

  void _open(int id, _Json settings) {
    final opening = Node.open(_settings(settings));
    _running[id] = opening.cancel;
    _answer(
      id,
      opening.then((opened) {
        node = opened;
        opened.events.listen((event) => _write({'event': event.toJson()}));
        return {'reply': 'user', 'id': opened.userId};
      }),
    );
  }

  void _call(int id, _Json json) {
    try {
      final (call, reply) = _begin(node!, json);
      _running[id] = call.cancel;
      _answer(id, call.then(reply));
    } on UsageException catch (failure) {
      _answer(id, Future.error(failure));
    }
  }

  /// Each page is written; the call ends when it is cancelled, or with the node.
  void _follow(int id, _Json call) {
    void end(String kind, String message) {
      if (_running.remove(id) != null) {
        _write({
          'id': id,
          'error': {'kind': kind, 'message': message},
        });
      }
    }

    final changes = node!.changes(call['group'] as String, call['collection'] as String);
    final subscription = changes.listen(
      (changes) => _write({
        'id': id,
        'page': {
          'records': [for (final change in changes) change.toJson()],
        },
      }),
      onError: (Object error) =>
          error is ConnectoidException ? end(error.kind, error.message) : end('internal', '$error'),
      onDone: () => end('closed', 'the node is closed'),
    );
    _running[id] = () => subscription.cancel().then((_) => end('cancelled', 'it was cancelled'));
  }

  Future<void> _answer(int id, Future<_Json> reply) async {
    try {
      _write({'id': id, 'reply': await reply});
    } on ConnectoidException catch (failure) {
      _write({'id': id, 'error': failure.toJson()});
    } finally {
      _running.remove(id);
    }
  }
}

Settings _settings(_Json json) => Settings(
  folder: switch (json['storage']) {
    {'folder': final String folder} => folder,
    _ => null,
  },
  services: _texts(json['services']),
  pace: json['pace'] == null ? Pace.foreground : Pace.fromJson(json['pace']),
  passphrase: json['passphrase'] as String?,
  loopback: json['loopback'] as bool? ?? false,
  bind: _texts(json['bind']),
  idleTimeout: Duration(seconds: json['idle_timeout'] as int? ?? 30),
  pollInterval: Duration(seconds: json['poll_interval'] as int? ?? 60),
);

List<String> _texts(Object? json) => (json as List<Object?>? ?? const []).cast();

/// Calls the method of a name. Gives the call, and how its result is written.
(CancelableFuture<Object?>, _Json Function(Object? result)) _begin(Node node, _Json json) {
  final method = json['method'] as String;
  String text(String name) => json[name] as String;
  (CancelableFuture<Object?>, _Json Function(Object?)) gives<T>(
    CancelableFuture<T> call,
    _Json Function(T result) write,
  ) => (call, (result) => write(result as T));
  (CancelableFuture<Object?>, _Json Function(Object?)) does(CancelableFuture<void> call) => (
    call,
    (_) => _done,
  );
  final nickname = json['nickname'] as String? ?? '';
  final group = json['group'] as String? ?? '';
  final collection = json['collection'] as String? ?? '';
  final role = json['role'] == null ? Role.writer : Role.fromJson(json['role']);
  return switch (method) {
    'share' => gives(
      node.share(
        nickname,
        group: group,
        role: role,
        expiresIn: json['expires_in'] == null ? null : Duration(seconds: json['expires_in'] as int),
        services: _texts(json['services']),
        linkBase: json['link_base'] as String?,
        placement: json['placement'] == null
            ? Placement.fragment
            : Placement.fromJson(json['placement']),
      ),
      (link) => {'reply': 'link', ...link.toJson()},
    ),
    'open' when json['in_person'] == true => does(
      node.openLinkInPerson(text('link'), nickname: nickname),
    ),
    'open' => does(node.openLink(text('link'), nickname: nickname)),
    'peers' => gives(
      node.peers(),
      (peers) => {
        'reply': 'peers',
        'peers': [for (final peer in peers) peer.toJson()],
      },
    ),
    'unshare' => does(node.unshare(nickname)),
    'connect' => does(node.connect(nickname)),
    'disconnect' => does(node.disconnect(nickname)),
    'verify' => does(node.verify(nickname)),
    'confirm_verify' => does(node.confirmVerify(nickname, same: json['same'] as bool)),
    'create_group' => gives(node.createGroup(text('name')), (id) => {'reply': 'group', 'id': id}),
    'groups' => gives(
      node.groups(),
      (groups) => {
        'reply': 'groups',
        'groups': [for (final group in groups) group.toJson()],
      },
    ),
    'add_member' => does(node.addMember(nickname, group, role: role)),
    'remove_member' => does(node.removeMember(nickname, group)),
    'accept_invitation' => does(node.acceptInvitation(group)),
    'leave_group' => does(node.leaveGroup(group)),
    'forget_group' => does(node.forgetGroup(group)),
    'commit' => does(
      node.commit(group, [for (final write in json['writes'] as List<Object?>) _writeOf(write)]),
    ),
    'get' => gives(
      node.record(group, collection, text('id')),
      (record) => {'reply': 'record', 'record': record?.toJson()},
    ),
    'list' => gives(
      node.list(
        group,
        collection,
        after: json['after'] as String?,
        limit: json['limit'] as int? ?? 1000,
      ),
      (records) => {
        'reply': 'records',
        'records': [for (final record in records) record.toJson()],
      },
    ),
    'history' => gives(
      node.history(group, collection, text('id')),
      (versions) => {
        'reply': 'history',
        'versions': [for (final version in versions) version.toJson()],
      },
    ),
    'send' => does(node.send(nickname, _bytes(json['data']))),
    'doctor' => gives(
      node.diagnose(json['nickname'] as String?),
      (diagnosis) => {'reply': 'diagnosis', ...diagnosis.toJson()},
    ),
    'set_pace' => does(node.setPace(Pace.fromJson(json['pace']))),
    'network_changed' => does(node.networkChanged()),
    'sync_now' => does(node.syncNow()),
    'user_id' => (node.groups(), (_) => {'reply': 'user', 'id': node.userId}),
    'qr' => gives(
      node.qr(
        text('link'),
        format: json['format'] == null ? ImageFormat.svg : ImageFormat.fromJson(json['format']),
        scale: json['scale'] as int? ?? 8,
      ),
      (image) => {'reply': 'image', 'data': _base64(image)},
    ),
    _ => throw UsageException('there is no method called $method'),
  };
}

Write _writeOf(Object? json) => switch (json) {
  {'op': 'put', 'collection': final String collection, 'id': final String id, 'fields': final _Json fields} =>
    Write.put(collection: collection, id: id, fields: _fields(fields)),
  {'op': 'replace', 'collection': final String collection, 'id': final String id, 'fields': final _Json fields} =>
    Write.replace(collection: collection, id: id, fields: _fields(fields)),
  {
    'op': 'remove_fields',
    'collection': final String collection,
    'id': final String id,
    'fields': final List<Object?> fields,
  } =>
    Write.removeFields(collection: collection, id: id, fields: fields.cast<String>()),
  {'op': 'delete', 'collection': final String collection, 'id': final String id} => Write.delete(
    collection: collection,
    id: id,
  ),
  _ => throw const UsageException('that is no write'),
};

/// Fields with their bytes, as an app has them.
_Json _fields(_Json json) => Record.fromJson({'id': '', 'fields': json}).fields;

Uint8List _bytes(Object? json) =>
    json is String ? base64Url.decode(base64Url.normalize(json)) : Uint8List(0);

String _base64(Uint8List bytes) => base64Url.encode(bytes).replaceAll('=', '');
