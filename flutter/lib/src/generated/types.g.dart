// Generated from bindings/c/schema.json by `cargo xtask bindings`.

part of '../model.dart';

/// How far a device takes a group that its user is a member of.
enum Acceptance {
  /// The user has not said anything to the invitation yet: who the members are is known there, and
  /// nothing else.
  invited('invited'),

  /// The user takes part: everything is received.
  accepted('accepted'),

  /// As well, but there is no room for more on the device (setting `group_quota`).
  full('full'),

  /// The user has declined the invitation, or left: nothing is received or given.
  left('left'),

  /// One that this version of the package does not know.
  unknown('unknown');

  const Acceptance(this.json);

  /// Reads it from JSON.
  static Acceptance fromJson(Object? json) =>
      values.firstWhere((value) => value.json == json, orElse: () => unknown);

  /// Its name in JSON, which is the same in every language of this SDK.
  final String json;
}

/// Whether there is a connection to a peer.
enum PeerConnection {
  /// None, and none is needed or possible now.
  resting('resting'),

  /// One is being made.
  connecting('connecting'),

  /// One is open.
  connected('connected'),

  /// One that this version of the package does not know.
  unknown('unknown');

  const PeerConnection(this.json);

  /// Reads it from JSON.
  static PeerConnection fromJson(Object? json) =>
      values.firstWhere((value) => value.json == json, orElse: () => unknown);

  /// Its name in JSON, which is the same in every language of this SDK.
  final String json;
}

/// What the doctor found.
final class Diagnosis extends Data {
  /// Makes one.
  const Diagnosis({required this.findings, required this.trace});

  /// Reads it from JSON.
  factory Diagnosis.fromJson(Map<String, Object?> json) => Diagnosis(
    findings: readList(json['findings'], Finding.fromJson),
    trace: readTexts(json['trace']),
  );

  /// The findings; none if all is well.
  final List<Finding> findings;

  /// What happened lately, oldest first, without secrets.
  final List<String> trace;

  @override
  List<Object?> get values => [findings, trace];

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => {
    'findings': [for (final item in findings) item.toJson()],
    'trace': trace,
  };
}

/// One finding of the doctor.
final class Finding extends Data {
  /// Makes one.
  const Finding({required this.about, required this.kind, required this.message});

  /// Reads it from JSON.
  factory Finding.fromJson(Map<String, Object?> json) => Finding(
    about: json['about'] as String,
    kind: json['kind'] as String,
    message: json['message'] as String,
  );

  /// The peer or service that it is about.
  final String about;

  /// What is wrong, for programs.
  final String kind;

  /// What is wrong and what to do, for people.
  final String message;

  @override
  List<Object?> get values => [about, kind, message];

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => {
    'about': about,
    'kind': kind,
    'message': message,
  };
}

/// A group.
final class Group extends Data {
  /// Makes one.
  const Group({
    required this.acceptance,
    required this.bytes,
    required this.id,
    required this.members,
    required this.name,
    this.role,
  });

  /// Reads it from JSON.
  factory Group.fromJson(Map<String, Object?> json) => Group(
    acceptance: Acceptance.fromJson(json['acceptance']),
    bytes: json['bytes'] as int,
    id: json['id'] as String,
    members: readList(json['members'], Member.fromJson),
    name: json['name'] as String,
    role: json['role'] == null ? null : Role.fromJson(json['role']),
  );

  /// How far this device takes it.
  final Acceptance acceptance;

  /// About how many bytes it takes on this device.
  final int bytes;

  /// Its id, the same on every device.
  final String id;

  /// Who is in it.
  final List<Member> members;

  /// Its name.
  final String name;

  /// What this user may do in it, as far as it is accepted. Null if there is none.
  final Role? role;

  @override
  List<Object?> get values => [acceptance, bytes, id, members, name, role];

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => {
    'acceptance': acceptance.json,
    'bytes': bytes,
    'id': id,
    'members': [for (final item in members) item.toJson()],
    'name': name,
    if (role case final role?) 'role': role.json,
  };
}

/// How well one group is replicated to one peer.
final class GroupSync extends Data {
  /// Makes one.
  const GroupSync({
    required this.acceptance,
    required this.held,
    this.heldUntil,
    required this.id,
    required this.lacks,
    this.lastSyncedAt,
    required this.name,
  });

  /// Reads it from JSON.
  factory GroupSync.fromJson(Map<String, Object?> json) => GroupSync(
    acceptance: Acceptance.fromJson(json['acceptance']),
    held: json['held'] as int,
    heldUntil: readTimeOrNull(json['held_until']),
    id: json['id'] as String,
    lacks: json['lacks'] as int,
    lastSyncedAt: readTimeOrNull(json['last_synced_at']),
    name: json['name'] as String,
  );

  /// How far the peer's device takes it, as far as it has told.
  final Acceptance acceptance;

  /// How many changes that the peer has brought are held back here, for the same reason. While
  /// there are any, here or there, both do not have the same.
  final int held;

  /// When the last of those that wait for their time will be taken. Null if there is none.
  final DateTime? heldUntil;

  /// The group's id.
  final String id;

  /// How many of this node's changes the peer is not known to have, or holds back: they are stamped
  /// more than ten minutes ahead of its clock.
  final int lacks;

  /// When the peer last had all that this node has. Null if there is none.
  final DateTime? lastSyncedAt;

  /// Its name.
  final String name;

  @override
  List<Object?> get values => [acceptance, held, heldUntil, id, lacks, lastSyncedAt, name];

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => {
    'acceptance': acceptance.json,
    'held': held,
    if (heldUntil case final heldUntil?) 'held_until': heldUntil.microsecondsSinceEpoch,
    'id': id,
    'lacks': lacks,
    if (lastSyncedAt case final lastSyncedAt?) 'last_synced_at': lastSyncedAt.microsecondsSinceEpoch,
    'name': name,
  };
}

/// One version of one field, or of a record's deletion.
final class Version extends Data {
  /// Makes one.
  const Version({
    required this.author,
    this.field,
    this.keptUntil,
    required this.leftOut,
    this.nickname,
    required this.removed,
    required this.stamp,
    this.value,
    this.why,
    required this.winning,
  });

  /// Reads it from JSON.
  factory Version.fromJson(Map<String, Object?> json, [Uint8List? beside]) => Version(
    author: json['author'] as String,
    field: json['field'] as String?,
    keptUntil: readTimeOrNull(json['kept_until']),
    leftOut: json['left_out'] as bool,
    nickname: json['nickname'] as String?,
    removed: json['removed'] as bool,
    stamp: readTime(json['stamp']),
    value: readValue(json['value'], beside),
    why: json['why'] as String?,
    winning: json['winning'] as bool,
  );

  /// The user who wrote it.
  final String author;

  /// The field; none for a deletion.
  final String? field;

  /// Until when a losing version is kept. Null if there is none.
  final DateTime? keptUntil;

  /// Whether the value is not shown: there are more than 4 MiB of them, and the winning ones come
  /// first.
  final bool leftOut;

  /// What this node calls that user. Null if there is none.
  final String? nickname;

  /// Whether this took the field away, or the whole record; a field may also have the value null.
  final bool removed;

  /// When it was written by the writer's clock.
  final DateTime stamp;

  /// The value; none for a deletion, where the field was removed, and if it is left out.
  final Object? value;

  /// Why it lost, if it did.
  final String? why;

  /// Whether this is what a reader sees.
  final bool winning;

  @override
  List<Object?> get values => [
    author,
    field,
    keptUntil,
    leftOut,
    nickname,
    removed,
    stamp,
    value,
    why,
    winning,
  ];

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => {
    'author': author,
    if (field case final field?) 'field': field,
    if (keptUntil case final keptUntil?) 'kept_until': keptUntil.microsecondsSinceEpoch,
    'left_out': leftOut,
    if (nickname case final nickname?) 'nickname': nickname,
    'removed': removed,
    'stamp': stamp.microsecondsSinceEpoch,
    if (value case final value?) 'value': writeValue(value, beside),
    if (why case final why?) 'why': why,
    'winning': winning,
  };
}

/// A STUN or TURN server. Its text shows neither address nor credential.
final class IceServer extends Data {
  /// Makes one.
  const IceServer({required this.urls, this.credential = '', this.username = ''});

  /// `stun:host[:port]` or `turn:host[:port][?transport=udp]`. TURN over TCP or TLS is not
  /// supported.
  final List<String> urls;

  /// For TURN: the password.
  final String credential;

  /// For TURN.
  final String username;

  @override
  List<Object?> get values => [urls, credential, username];

  @override
  Set<String> get hidden => const {'urls', 'credential', 'username'};

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => {
    'urls': urls,
    'credential': credential,
    'username': username,
  };
}

/// What an image is written as.
enum ImageFormat {
  /// A vector image, as text; sharp at every size.
  svg('svg'),

  /// A raster image, black on white.
  png('png'),

  /// One that this version of the package does not know.
  unknown('unknown');

  const ImageFormat(this.json);

  /// Reads it from JSON.
  static ImageFormat fromJson(Object? json) =>
      values.firstWhere((value) => value.json == json, orElse: () => unknown);

  /// Its name in JSON, which is the same in every language of this SDK.
  final String json;
}

/// How much a line matters; each level includes those before.
enum LogLevel {
  /// Something failed that should not: a defect, or a store that cannot be written.
  error('error'),

  /// Something is wrong, and the node goes on.
  warn('warn'),

  /// What happens seldom.
  info('info'),

  /// What the node does: connections, offers, rounds to the mailbox. For bug reports.
  debug('debug'),

  /// Everything.
  trace('trace'),

  /// One that this version of the package does not know.
  unknown('unknown');

  const LogLevel(this.json);

  /// Reads it from JSON.
  static LogLevel fromJson(Object? json) =>
      values.firstWhere((value) => value.json == json, orElse: () => unknown);

  /// Its name in JSON, which is the same in every language of this SDK.
  final String json;
}

/// Something that was said.
final class LogLine extends Data {
  /// Makes one.
  const LogLine({required this.level, required this.message, required this.target});

  /// Reads it from JSON.
  factory LogLine.fromJson(Map<String, Object?> json) => LogLine(
    level: LogLevel.fromJson(json['level']),
    message: json['message'] as String,
    target: json['target'] as String,
  );

  /// How much it matters.
  final LogLevel level;

  /// What. It names no link, key, address or value.
  final String message;

  /// The part of the SDK that says it, such as `connectoid::engine`. Parts are renamed between
  /// versions.
  final String target;

  @override
  List<Object?> get values => [level, message, target];

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => {
    'level': level.json,
    'message': message,
    'target': target,
  };
}

/// A member of a group.
final class Member extends Data {
  /// Makes one.
  const Member({this.nickname, required this.role, required this.user});

  /// Reads it from JSON.
  factory Member.fromJson(Map<String, Object?> json) => Member(
    nickname: json['nickname'] as String?,
    role: Role.fromJson(json['role']),
    user: json['user'] as String,
  );

  /// What this node calls the user: a peer's nickname, or `me`. Null if there is none.
  final String? nickname;

  /// What the member may do.
  final Role role;

  /// The user's id.
  final String user;

  @override
  List<Object?> get values => [nickname, role, user];

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => {
    if (nickname case final nickname?) 'nickname': nickname,
    'role': role.json,
    'user': user,
  };
}

/// One record of a collection as it is now.
final class RecordChange extends Data {
  /// Makes one.
  const RecordChange({required this.id, this.record});

  /// Reads it from JSON.
  factory RecordChange.fromJson(Map<String, Object?> json, [Uint8List? beside]) => RecordChange(
    id: json['id'] as String,
    record: readOrNull(json['record'], (json) => Record.fromJson(json, beside)),
  );

  /// The record's id.
  final String id;

  /// The record; none if it was deleted.
  final Record? record;

  @override
  List<Object?> get values => [id, record];

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => {
    'id': id,
    if (record case final record?) 'record': record.toJson(beside),
  };
}

/// Everything about a node that an app may decide.
final class Settings extends Data {
  /// Makes one.
  const Settings({
    required this.folder,
    this.bind = const [],
    this.groupQuota = 1073741824,
    this.iceServers = const [],
    this.idleTimeout = const Duration(seconds: 30),
    this.linkBase = 'connectoid://open',
    this.loopback = false,
    this.pace = Pace.foreground,
    this.passphrase,
    this.pollInterval = const Duration(seconds: 60),
    this.serviceExt,
    this.serviceRoots,
    this.services = const [],
  });

  /// Where the data is kept; one node at a time uses a folder. Null for a node that forgets
  /// everything when it is closed.
  final String? folder;

  /// Local addresses to connect from; empty for all usable ones.
  final List<String> bind;

  /// About how many bytes each group may take on this device: the members of a group can write as
  /// much as they like. Near it and at it the app is told ([GroupRoomEvent]); beyond it new records
  /// of others are not received.
  final int groupQuota;

  /// STUN and TURN servers. Without any, two nodes meet only within one network: a STUN server
  /// tells each under which address it appears outside, and a TURN server relays where that is not
  /// enough.
  final List<IceServer> iceServers;

  /// How long a connection with nothing to do stays open.
  final Duration idleTimeout;

  /// The URL that opens the app, to which links are appended.
  final String linkBase;

  /// Whether to offer loopback addresses too, for apps on one machine.
  final bool loopback;

  /// Whether the app starts in the foreground.
  final Pace pace;

  /// The passphrase of the default key store. Null if there is none.
  final String? passphrase;

  /// The pace of looking into the mailboxes in the background, at least a second.
  final Duration pollInterval;

  /// The app's static data for these services, such as an API key: see `address`. Null if there is
  /// none.
  final String? serviceExt;

  /// Certificates in PEM of authorities that may have signed the certificates of mailbox services,
  /// beside those that browsers trust: for a service of one's own with an authority of one's own.
  final String? serviceRoots;

  /// One to three mailbox services for the boxes of this node, in order of preference.
  final List<String> services;

  @override
  List<Object?> get values => [
    folder,
    bind,
    groupQuota,
    iceServers,
    idleTimeout,
    linkBase,
    loopback,
    pace,
    passphrase,
    pollInterval,
    serviceExt,
    serviceRoots,
    services,
  ];

  @override
  Set<String> get hidden => const {'bind', 'ice_servers', 'passphrase', 'service_ext'};

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => {
    'storage': folder == null ? 'memory' : {'folder': folder},
    'bind': bind,
    'group_quota': groupQuota,
    'ice_servers': [for (final item in iceServers) item.toJson()],
    'idle_timeout': writeSeconds(idleTimeout),
    'link_base': linkBase,
    'loopback': loopback,
    'pace': pace.json,
    if (passphrase case final passphrase?) 'passphrase': passphrase,
    'poll_interval': writeSeconds(pollInterval),
    if (serviceExt case final serviceExt?) 'service_ext': serviceExt,
    if (serviceRoots case final serviceRoots?) 'service_roots': serviceRoots,
    'services': services,
  };
}

/// What the app is doing.
enum Pace {
  /// In front of its user: latency matters.
  foreground('foreground'),

  /// Out of sight: battery matters.
  background('background'),

  /// One that this version of the package does not know.
  unknown('unknown');

  const Pace(this.json);

  /// Reads it from JSON.
  static Pace fromJson(Object? json) =>
      values.firstWhere((value) => value.json == json, orElse: () => unknown);

  /// Its name in JSON, which is the same in every language of this SDK.
  final String json;
}

/// How far a pair has come.
enum PairState {
  /// This node made a link that nobody has opened yet.
  invited('invited'),

  /// This node opened a link; its creator has not answered yet.
  opening('opening'),

  /// Both have met.
  paired('paired'),

  /// The link was refused: used, expired or revoked; or the peer's mailbox is closed.
  refused('refused'),

  /// One that this version of the package does not know.
  unknown('unknown');

  const PairState(this.json);

  /// Reads it from JSON.
  static PairState fromJson(Object? json) =>
      values.firstWhere((value) => value.json == json, orElse: () => unknown);

  /// Its name in JSON, which is the same in every language of this SDK.
  final String json;
}

/// A peer.
final class Peer extends Data {
  /// Makes one.
  const Peer({
    required this.alarms,
    required this.connection,
    required this.groups,
    required this.nickname,
    this.problem,
    required this.side,
    required this.state,
    this.user,
    required this.verified,
  });

  /// Reads it from JSON.
  factory Peer.fromJson(Map<String, Object?> json) => Peer(
    alarms: json['alarms'] as int,
    connection: PeerConnection.fromJson(json['connection']),
    groups: readList(json['groups'], GroupSync.fromJson),
    nickname: json['nickname'] as String,
    problem: readOrNull(json['problem'], ConnectoidException.fromJson),
    side: Side.fromJson(json['side']),
    state: PairState.fromJson(json['state']),
    user: json['user'] as String?,
    verified: Verified.fromJson(json['verified']),
  );

  /// How many others tried to open the link.
  final int alarms;

  /// Whether there is a connection.
  final PeerConnection connection;

  /// How well each shared group is replicated to this peer.
  final List<GroupSync> groups;

  /// What this user calls the person.
  final String nickname;

  /// The last failure, if the last attempt failed.
  final ConnectoidException? problem;

  /// Who made the link: this side or the other.
  final Side side;

  /// How far the pair has come.
  final PairState state;

  /// The peer's user id, once it has proven it. Null if there is none.
  final String? user;

  /// How sure this user can be of who it is.
  final Verified verified;

  @override
  List<Object?> get values => [
    alarms,
    connection,
    groups,
    nickname,
    problem,
    side,
    state,
    user,
    verified,
  ];

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => {
    'alarms': alarms,
    'connection': connection.json,
    'groups': [for (final item in groups) item.toJson()],
    'nickname': nickname,
    if (problem case final problem?) 'problem': problem.toJson(),
    'side': side.json,
    'state': state.json,
    if (user case final user?) 'user': user,
    'verified': verified.json,
  };
}

/// Where in the URL the address stands.
enum Placement {
  /// Behind `#`: no server sees it.
  fragment('fragment'),

  /// Behind `?`: the web host of the link may have logged it.
  query('query'),

  /// One that this version of the package does not know.
  unknown('unknown');

  const Placement(this.json);

  /// Reads it from JSON.
  static Placement fromJson(Object? json) =>
      values.firstWhere((value) => value.json == json, orElse: () => unknown);

  /// Its name in JSON, which is the same in every language of this SDK.
  final String json;
}

/// A record.
final class Record extends Data {
  /// Makes one.
  const Record({required this.fields, required this.id});

  /// Reads it from JSON.
  factory Record.fromJson(Map<String, Object?> json, [Uint8List? beside]) => Record(
    fields: readFields(json['fields'], beside),
    id: json['id'] as String,
  );

  /// Its fields.
  final Map<String, Object?> fields;

  /// Its id, unique in its collection.
  final String id;

  @override
  List<Object?> get values => [fields, id];

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => {
    'fields': writeValue(fields, beside),
    'id': id,
  };
}

/// What a member may do.
enum Role {
  /// Founded the group: writes, appoints and removes.
  owner('owner'),

  /// Reads and writes records.
  writer('writer'),

  /// Reads records.
  reader('reader'),

  /// One that this version of the package does not know.
  unknown('unknown');

  const Role(this.json);

  /// Reads it from JSON.
  static Role fromJson(Object? json) =>
      values.firstWhere((value) => value.json == json, orElse: () => unknown);

  /// Its name in JSON, which is the same in every language of this SDK.
  final String json;
}

/// A link to send to a person. Its text does not show the link.
final class SharedLink extends Data {
  /// Makes one.
  const SharedLink({required this.expires, required this.group, required this.link});

  /// Reads it from JSON.
  factory SharedLink.fromJson(Map<String, Object?> json) => SharedLink(
    expires: readTime(json['expires']),
    group: json['group'] as String,
    link: json['link'] as String,
  );

  /// When it stops working.
  final DateTime expires;

  /// The id of the group that is shared.
  final String group;

  /// The link, a secret between sender and receiver.
  final String link;

  @override
  List<Object?> get values => [expires, group, link];

  @override
  Set<String> get hidden => const {'link'};

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => {
    'expires': expires.microsecondsSinceEpoch,
    'group': group,
    'link': link,
  };
}

/// Who gave the link and who opened it: settles glare, for good.
enum Side {
  /// Made the link.
  creator('creator'),

  /// Opened it.
  opener('opener'),

  /// One that this version of the package does not know.
  unknown('unknown');

  const Side(this.json);

  /// Reads it from JSON.
  static Side fromJson(Object? json) =>
      values.firstWhere((value) => value.json == json, orElse: () => unknown);

  /// Its name in JSON, which is the same in every language of this SDK.
  final String json;
}

/// How sure this user can be of who a peer is.
enum Verified {
  /// As sure as of the messenger that carried the link.
  link('link'),

  /// As of the messenger and of the web host that the link's query was shown to.
  linkQuery('link_query'),

  /// This user scanned the link from the peer's own device, in that person's presence.
  inPersonQr('in_person_qr'),

  /// The two people compared emoji.
  sas('sas'),

  /// One that this version of the package does not know.
  unknown('unknown');

  const Verified(this.json);

  /// Reads it from JSON.
  static Verified fromJson(Object? json) =>
      values.firstWhere((value) => value.json == json, orElse: () => unknown);

  /// Its name in JSON, which is the same in every language of this SDK.
  final String json;
}

/// One write of a commit.
sealed class Write extends Data {
  /// For variants.
  const Write();

  /// Set fields of a record; fields that are not named stay.
  const factory Write.put({
    required String collection,
    required Map<String, Object?> fields,
    required String id,
  }) = PutWrite;

  /// Make a record exactly this: fields that it shows here and that are not named go, and only what
  /// differs is written. So an edit of another field that a peer made meanwhile survives.
  const factory Write.replace({
    required String collection,
    required Map<String, Object?> fields,
    required String id,
  }) = ReplaceWrite;

  /// Remove fields of a record, whether it has them or not. Without any field left, there is no
  /// such record.
  const factory Write.removeFields({
    required String collection,
    required List<String> fields,
    required String id,
  }) = RemoveFieldsWrite;

  /// Delete a record.
  const factory Write.delete({required String collection, required String id}) = DeleteWrite;
}

/// Set fields of a record; fields that are not named stay.
final class PutWrite extends Write {
  /// Makes one.
  const PutWrite({required this.collection, required this.fields, required this.id});

  /// The collection.
  final String collection;

  /// The fields: JSON values; bytes as `Uint8List`.
  final Map<String, Object?> fields;

  /// The record's id.
  final String id;

  @override
  List<Object?> get values => [collection, fields, id];

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => {
    'op': 'put',
    'collection': collection,
    'fields': writeValue(fields, beside),
    'id': id,
  };
}

/// Make a record exactly this: fields that it shows here and that are not named go, and only what
/// differs is written. So an edit of another field that a peer made meanwhile survives.
final class ReplaceWrite extends Write {
  /// Makes one.
  const ReplaceWrite({required this.collection, required this.fields, required this.id});

  /// The collection.
  final String collection;

  /// The fields, as for `put`; at least one.
  final Map<String, Object?> fields;

  /// The record's id.
  final String id;

  @override
  List<Object?> get values => [collection, fields, id];

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => {
    'op': 'replace',
    'collection': collection,
    'fields': writeValue(fields, beside),
    'id': id,
  };
}

/// Remove fields of a record, whether it has them or not. Without any field left, there is no such
/// record.
final class RemoveFieldsWrite extends Write {
  /// Makes one.
  const RemoveFieldsWrite({required this.collection, required this.fields, required this.id});

  /// The collection.
  final String collection;

  /// The names of the fields, at least one.
  final List<String> fields;

  /// The record's id.
  final String id;

  @override
  List<Object?> get values => [collection, fields, id];

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => {
    'op': 'remove_fields',
    'collection': collection,
    'fields': fields,
    'id': id,
  };
}

/// Delete a record.
final class DeleteWrite extends Write {
  /// Makes one.
  const DeleteWrite({required this.collection, required this.id});

  /// The collection.
  final String collection;

  /// The record's id.
  final String id;

  @override
  List<Object?> get values => [collection, id];

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => {
    'op': 'delete',
    'collection': collection,
    'id': id,
  };
}
