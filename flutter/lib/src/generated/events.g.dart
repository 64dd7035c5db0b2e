// Generated from bindings/c/schema.json by `cargo xtask bindings`.

part of '../model.dart';

/// Something happened, at a place in the order of all that happened on this node.
sealed class Event extends Data {
  /// For variants.
  const Event({required this.at, required this.sequence});

  /// Reads it from JSON.
  factory Event.fromJson(Map<String, Object?> json, [Uint8List? beside]) => switch (json['event']) {
    'paired' => PairedEvent.fromJson(json),
    'connected' => ConnectedEvent.fromJson(json),
    'disconnected' => DisconnectedEvent.fromJson(json),
    'connect_failed' => ConnectFailedEvent.fromJson(json),
    'open_refused' => OpenRefusedEvent.fromJson(json),
    'link_opened_again' => LinkOpenedAgainEvent.fromJson(json),
    'changed' => ChangedEvent.fromJson(json),
    'invited' => InvitedEvent.fromJson(json),
    'acceptance' => AcceptanceEvent.fromJson(json),
    'group_room' => GroupRoomEvent.fromJson(json),
    'joined' => JoinedEvent.fromJson(json),
    'removed' => RemovedEvent.fromJson(json),
    'members_changed' => MembersChangedEvent.fromJson(json),
    'synced' => SyncedEvent.fromJson(json),
    'message' => MessageEvent.fromJson(json, beside),
    'emojis' => EmojisEvent.fromJson(json),
    'unshared' => UnsharedEvent.fromJson(json),
    'restored' => RestoredEvent.fromJson(json),
    'service_problem' => ServiceProblemEvent.fromJson(json),
    'clock_skew' => ClockSkewEvent.fromJson(json),
    'resync' => ResyncEvent.fromJson(json),
    _ => UnknownEvent.fromJson(json),
  };

  /// When.
  final DateTime at;

  /// Counts the node's events from 1; a gap means that some were dropped (see [ResyncEvent]).
  final int sequence;
}

/// The first person to open a link did so, and both have met.
final class PairedEvent extends Event {
  /// Makes one.
  const PairedEvent({required super.at, required super.sequence, required this.nickname});

  /// Reads it from JSON.
  factory PairedEvent.fromJson(Map<String, Object?> json) => PairedEvent(
    at: readTime(json['at']),
    sequence: json['sequence'] as int,
    nickname: json['nickname'] as String,
  );

  /// The peer.
  final String nickname;

  @override
  List<Object?> get values => [at, sequence, nickname];

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => {
    'event': 'paired',
    'at': at.microsecondsSinceEpoch,
    'sequence': sequence,
    'nickname': nickname,
  };
}

/// A connection is open and the peer has proven who it is.
final class ConnectedEvent extends Event {
  /// Makes one.
  const ConnectedEvent({required super.at, required super.sequence, required this.nickname});

  /// Reads it from JSON.
  factory ConnectedEvent.fromJson(Map<String, Object?> json) => ConnectedEvent(
    at: readTime(json['at']),
    sequence: json['sequence'] as int,
    nickname: json['nickname'] as String,
  );

  /// The peer.
  final String nickname;

  @override
  List<Object?> get values => [at, sequence, nickname];

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => {
    'event': 'connected',
    'at': at.microsecondsSinceEpoch,
    'sequence': sequence,
    'nickname': nickname,
  };
}

/// A connection is closed.
final class DisconnectedEvent extends Event {
  /// Makes one.
  const DisconnectedEvent({
    required super.at,
    required super.sequence,
    required this.nickname,
    this.problem,
  });

  /// Reads it from JSON.
  factory DisconnectedEvent.fromJson(Map<String, Object?> json) => DisconnectedEvent(
    at: readTime(json['at']),
    sequence: json['sequence'] as int,
    nickname: json['nickname'] as String,
    problem: readOrNull(json['problem'], ConnectoidException.fromJson),
  );

  /// The peer.
  final String nickname;

  /// Why; none if there was nothing left to do.
  final ConnectoidException? problem;

  @override
  List<Object?> get values => [at, sequence, nickname, problem];

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => {
    'event': 'disconnected',
    'at': at.microsecondsSinceEpoch,
    'sequence': sequence,
    'nickname': nickname,
    if (problem case final problem?) 'problem': problem.toJson(),
  };
}

/// A connection could not be made; the node tries again if there is something to say.
final class ConnectFailedEvent extends Event {
  /// Makes one.
  const ConnectFailedEvent({
    required super.at,
    required super.sequence,
    required this.nickname,
    required this.problem,
  });

  /// Reads it from JSON.
  factory ConnectFailedEvent.fromJson(Map<String, Object?> json) => ConnectFailedEvent(
    at: readTime(json['at']),
    sequence: json['sequence'] as int,
    nickname: json['nickname'] as String,
    problem: read(json['problem'], ConnectoidException.fromJson),
  );

  /// The peer.
  final String nickname;

  /// Why.
  final ConnectoidException problem;

  @override
  List<Object?> get values => [at, sequence, nickname, problem];

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => {
    'event': 'connect_failed',
    'at': at.microsecondsSinceEpoch,
    'sequence': sequence,
    'nickname': nickname,
    'problem': problem.toJson(),
  };
}

/// A link that this node opened is not open to it.
final class OpenRefusedEvent extends Event {
  /// Makes one.
  const OpenRefusedEvent({
    required super.at,
    required super.sequence,
    required this.nickname,
    required this.problem,
    this.usedAt,
    this.winner,
  });

  /// Reads it from JSON.
  factory OpenRefusedEvent.fromJson(Map<String, Object?> json) => OpenRefusedEvent(
    at: readTime(json['at']),
    sequence: json['sequence'] as int,
    nickname: json['nickname'] as String,
    problem: read(json['problem'], ConnectoidException.fromJson),
    usedAt: readTimeOrNull(json['used_at']),
    winner: json['winner'] as String?,
  );

  /// The peer.
  final String nickname;

  /// Why: used, expired, revoked or closed.
  final ConnectoidException problem;

  /// When somebody else used it. Null if there is none.
  final DateTime? usedAt;

  /// The fingerprint of the key that used it. Null if there is none.
  final String? winner;

  @override
  List<Object?> get values => [at, sequence, nickname, problem, usedAt, winner];

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => {
    'event': 'open_refused',
    'at': at.microsecondsSinceEpoch,
    'sequence': sequence,
    'nickname': nickname,
    'problem': problem.toJson(),
    if (usedAt case final usedAt?) 'used_at': usedAt.microsecondsSinceEpoch,
    if (winner case final winner?) 'winner': winner,
  };
}

/// Alarm: somebody else tried to open a link that was already used. One of the two is a thief.
final class LinkOpenedAgainEvent extends Event {
  /// Makes one.
  const LinkOpenedAgainEvent({
    required super.at,
    required super.sequence,
    required this.nickname,
    required this.other,
    required this.winner,
  });

  /// Reads it from JSON.
  factory LinkOpenedAgainEvent.fromJson(Map<String, Object?> json) => LinkOpenedAgainEvent(
    at: readTime(json['at']),
    sequence: json['sequence'] as int,
    nickname: json['nickname'] as String,
    other: json['other'] as String,
    winner: json['winner'] as String,
  );

  /// The peer that the link was made for.
  final String nickname;

  /// The fingerprint of the key that came second.
  final String other;

  /// The fingerprint of the key that was first.
  final String winner;

  @override
  List<Object?> get values => [at, sequence, nickname, other, winner];

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => {
    'event': 'link_opened_again',
    'at': at.microsecondsSinceEpoch,
    'sequence': sequence,
    'nickname': nickname,
    'other': other,
    'winner': winner,
  };
}

/// Records have changed, here or at a peer.
final class ChangedEvent extends Event {
  /// Makes one.
  const ChangedEvent({
    required super.at,
    required super.sequence,
    required this.group,
    required this.records,
  });

  /// Reads it from JSON.
  factory ChangedEvent.fromJson(Map<String, Object?> json) => ChangedEvent(
    at: readTime(json['at']),
    sequence: json['sequence'] as int,
    group: json['group'] as String,
    records: readKeys(json['records']),
  );

  /// The group's id.
  final String group;

  /// The collections and ids concerned; empty if there are too many to name.
  final List<RecordKey> records;

  @override
  List<Object?> get values => [at, sequence, group, records];

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => {
    'event': 'changed',
    'at': at.microsecondsSinceEpoch,
    'sequence': sequence,
    'group': group,
    'records': [for (final (:collection, :id) in records) [collection, id]],
  };
}

/// A peer has made this user a member of a group. Nothing of it is received until
/// `Node.acceptInvitation`; `Node.leaveGroup` declines.
final class InvitedEvent extends Event {
  /// Makes one.
  const InvitedEvent({
    required super.at,
    required super.sequence,
    required this.group,
    required this.name,
    this.nickname,
  });

  /// Reads it from JSON.
  factory InvitedEvent.fromJson(Map<String, Object?> json) => InvitedEvent(
    at: readTime(json['at']),
    sequence: json['sequence'] as int,
    group: json['group'] as String,
    name: json['name'] as String,
    nickname: json['nickname'] as String?,
  );

  /// The group's id.
  final String group;

  /// Its name, which its owner chose: another group here may have the same.
  final String name;

  /// Its owner, if that is a peer.
  final String? nickname;

  @override
  List<Object?> get values => [at, sequence, group, name, nickname];

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => {
    'event': 'invited',
    'at': at.microsecondsSinceEpoch,
    'sequence': sequence,
    'group': group,
    'name': name,
    if (nickname case final nickname?) 'nickname': nickname,
  };
}

/// A peer's device has told how far it takes a group: see [Acceptance].
final class AcceptanceEvent extends Event {
  /// Makes one.
  const AcceptanceEvent({
    required super.at,
    required super.sequence,
    required this.acceptance,
    required this.group,
    required this.nickname,
  });

  /// Reads it from JSON.
  factory AcceptanceEvent.fromJson(Map<String, Object?> json) => AcceptanceEvent(
    at: readTime(json['at']),
    sequence: json['sequence'] as int,
    acceptance: Acceptance.fromJson(json['acceptance']),
    group: json['group'] as String,
    nickname: json['nickname'] as String,
  );

  /// How far.
  final Acceptance acceptance;

  /// The group's id.
  final String group;

  /// The peer.
  final String nickname;

  @override
  List<Object?> get values => [at, sequence, acceptance, group, nickname];

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => {
    'event': 'acceptance',
    'at': at.microsecondsSinceEpoch,
    'sequence': sequence,
    'acceptance': acceptance.json,
    'group': group,
    'nickname': nickname,
  };
}

/// The room that a group may take on this device (setting `group_quota`) is four fifths taken, or
/// all of it. Then new records of others are not received, which their devices are told; they come
/// once a fifth of the room is free.
final class GroupRoomEvent extends Event {
  /// Makes one.
  const GroupRoomEvent({
    required super.at,
    required super.sequence,
    required this.bytes,
    required this.full,
    required this.group,
    required this.quota,
  });

  /// Reads it from JSON.
  factory GroupRoomEvent.fromJson(Map<String, Object?> json) => GroupRoomEvent(
    at: readTime(json['at']),
    sequence: json['sequence'] as int,
    bytes: json['bytes'] as int,
    full: json['full'] as bool,
    group: json['group'] as String,
    quota: json['quota'] as int,
  );

  /// About how many bytes it takes.
  final int bytes;

  /// Whether there is no room left.
  final bool full;

  /// The group's id.
  final String group;

  /// How many it may take.
  final int quota;

  @override
  List<Object?> get values => [at, sequence, bytes, full, group, quota];

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => {
    'event': 'group_room',
    'at': at.microsecondsSinceEpoch,
    'sequence': sequence,
    'bytes': bytes,
    'full': full,
    'group': group,
    'quota': quota,
  };
}

/// This user now takes part in a group.
final class JoinedEvent extends Event {
  /// Makes one.
  const JoinedEvent({
    required super.at,
    required super.sequence,
    required this.group,
    required this.name,
  });

  /// Reads it from JSON.
  factory JoinedEvent.fromJson(Map<String, Object?> json) => JoinedEvent(
    at: readTime(json['at']),
    sequence: json['sequence'] as int,
    group: json['group'] as String,
    name: json['name'] as String,
  );

  /// The group's id.
  final String group;

  /// Its name.
  final String name;

  @override
  List<Object?> get values => [at, sequence, group, name];

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => {
    'event': 'joined',
    'at': at.microsecondsSinceEpoch,
    'sequence': sequence,
    'group': group,
    'name': name,
  };
}

/// This user is no longer in a group. What it has of it stays.
final class RemovedEvent extends Event {
  /// Makes one.
  const RemovedEvent({required super.at, required super.sequence, required this.group});

  /// Reads it from JSON.
  factory RemovedEvent.fromJson(Map<String, Object?> json) => RemovedEvent(
    at: readTime(json['at']),
    sequence: json['sequence'] as int,
    group: json['group'] as String,
  );

  /// The group's id.
  final String group;

  @override
  List<Object?> get values => [at, sequence, group];

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => {
    'event': 'removed',
    'at': at.microsecondsSinceEpoch,
    'sequence': sequence,
    'group': group,
  };
}

/// The members of a group have changed.
final class MembersChangedEvent extends Event {
  /// Makes one.
  const MembersChangedEvent({required super.at, required super.sequence, required this.group});

  /// Reads it from JSON.
  factory MembersChangedEvent.fromJson(Map<String, Object?> json) => MembersChangedEvent(
    at: readTime(json['at']),
    sequence: json['sequence'] as int,
    group: json['group'] as String,
  );

  /// The group's id.
  final String group;

  @override
  List<Object?> get values => [at, sequence, group];

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => {
    'event': 'members_changed',
    'at': at.microsecondsSinceEpoch,
    'sequence': sequence,
    'group': group,
  };
}

/// This node and a peer have the same, in this group.
final class SyncedEvent extends Event {
  /// Makes one.
  const SyncedEvent({
    required super.at,
    required super.sequence,
    required this.group,
    required this.nickname,
  });

  /// Reads it from JSON.
  factory SyncedEvent.fromJson(Map<String, Object?> json) => SyncedEvent(
    at: readTime(json['at']),
    sequence: json['sequence'] as int,
    group: json['group'] as String,
    nickname: json['nickname'] as String,
  );

  /// The group's id.
  final String group;

  /// The peer.
  final String nickname;

  @override
  List<Object?> get values => [at, sequence, group, nickname];

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => {
    'event': 'synced',
    'at': at.microsecondsSinceEpoch,
    'sequence': sequence,
    'group': group,
    'nickname': nickname,
  };
}

/// A peer's app sent a message.
final class MessageEvent extends Event {
  /// Makes one.
  const MessageEvent({
    required super.at,
    required super.sequence,
    required this.data,
    required this.nickname,
  });

  /// Reads it from JSON.
  factory MessageEvent.fromJson(Map<String, Object?> json, [Uint8List? beside]) => MessageEvent(
    at: readTime(json['at']),
    sequence: json['sequence'] as int,
    data: readBytes(json['data'], beside),
    nickname: json['nickname'] as String,
  );

  /// The message.
  final Uint8List data;

  /// The peer.
  final String nickname;

  @override
  List<Object?> get values => [at, sequence, data, nickname];

  @override
  Set<String> get hidden => const {'data'};

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => {
    'event': 'message',
    'at': at.microsecondsSinceEpoch,
    'sequence': sequence,
    'data': writeBytes(data),
    'nickname': nickname,
  };
}

/// Emoji to compare with a peer; then call `Node.confirmVerify`.
final class EmojisEvent extends Event {
  /// Makes one.
  const EmojisEvent({
    required super.at,
    required super.sequence,
    required this.emojis,
    required this.names,
    required this.nickname,
  });

  /// Reads it from JSON.
  factory EmojisEvent.fromJson(Map<String, Object?> json) => EmojisEvent(
    at: readTime(json['at']),
    sequence: json['sequence'] as int,
    emojis: json['emojis'] as String,
    names: readTexts(json['names']),
    nickname: json['nickname'] as String,
  );

  /// The emoji.
  final String emojis;

  /// The emoji's names, which are the same in every language of this SDK.
  final List<String> names;

  /// The peer.
  final String nickname;

  @override
  List<Object?> get values => [at, sequence, emojis, names, nickname];

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => {
    'event': 'emojis',
    'at': at.microsecondsSinceEpoch,
    'sequence': sequence,
    'emojis': emojis,
    'names': names,
    'nickname': nickname,
  };
}

/// A peer stopped sharing; its keys are deleted here too.
final class UnsharedEvent extends Event {
  /// Makes one.
  const UnsharedEvent({required super.at, required super.sequence, required this.nickname});

  /// Reads it from JSON.
  factory UnsharedEvent.fromJson(Map<String, Object?> json) => UnsharedEvent(
    at: readTime(json['at']),
    sequence: json['sequence'] as int,
    nickname: json['nickname'] as String,
  );

  /// The peer.
  final String nickname;

  @override
  List<Object?> get values => [at, sequence, nickname];

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => {
    'event': 'unshared',
    'at': at.microsecondsSinceEpoch,
    'sequence': sequence,
    'nickname': nickname,
  };
}

/// This node's data folder is an older copy, as a peer shows that knew more of it. What the peer
/// has comes back by itself. Somebody who was first met after the copy was made may not be reached
/// any more ([PairLostException]): unshare, and share a new link.
final class RestoredEvent extends Event {
  /// Makes one.
  const RestoredEvent({required super.at, required super.sequence, required this.nickname});

  /// Reads it from JSON.
  factory RestoredEvent.fromJson(Map<String, Object?> json) => RestoredEvent(
    at: readTime(json['at']),
    sequence: json['sequence'] as int,
    nickname: json['nickname'] as String,
  );

  /// The peer.
  final String nickname;

  @override
  List<Object?> get values => [at, sequence, nickname];

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => {
    'event': 'restored',
    'at': at.microsecondsSinceEpoch,
    'sequence': sequence,
    'nickname': nickname,
  };
}

/// A mailbox service does not work; others of the same link are tried.
final class ServiceProblemEvent extends Event {
  /// Makes one.
  const ServiceProblemEvent({
    required super.at,
    required super.sequence,
    required this.problem,
    required this.service,
  });

  /// Reads it from JSON.
  factory ServiceProblemEvent.fromJson(Map<String, Object?> json) => ServiceProblemEvent(
    at: readTime(json['at']),
    sequence: json['sequence'] as int,
    problem: read(json['problem'], ConnectoidException.fromJson),
    service: json['service'] as String,
  );

  /// Why.
  final ConnectoidException problem;

  /// The service's URL.
  final String service;

  @override
  List<Object?> get values => [at, sequence, problem, service];

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => {
    'event': 'service_problem',
    'at': at.microsecondsSinceEpoch,
    'sequence': sequence,
    'problem': problem.toJson(),
    'service': service,
  };
}

/// A clock is wrong, or was: by that of the service, this device's; or a peer's, by what this node
/// goes by. Nothing is to be done but to set it: a device whose clock is wrong goes by its
/// service's, and makes anew what it had stamped wrongly.
final class ClockSkewEvent extends Event {
  /// Makes one.
  const ClockSkewEvent({
    required super.at,
    required super.sequence,
    required this.ahead,
    required this.held,
    this.nickname,
    this.until,
  });

  /// Reads it from JSON.
  factory ClockSkewEvent.fromJson(Map<String, Object?> json) => ClockSkewEvent(
    at: readTime(json['at']),
    sequence: json['sequence'] as int,
    ahead: json['ahead'] as int,
    held: json['held'] as int,
    nickname: json['nickname'] as String?,
    until: readTimeOrNull(json['until']),
  );

  /// How far the clock is ahead, in µs; negative if it is behind. 0 or little if it is right by
  /// now.
  final int ahead;

  /// How many changes wait because of it, at this node and at the peer together,
  final int held;

  /// The peer whose clock it is; none if it is this device's.
  final String? nickname;

  /// and until when the last of them. Null if there is none.
  final DateTime? until;

  @override
  List<Object?> get values => [at, sequence, ahead, held, nickname, until];

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => {
    'event': 'clock_skew',
    'at': at.microsecondsSinceEpoch,
    'sequence': sequence,
    'ahead': ahead,
    'held': held,
    if (nickname case final nickname?) 'nickname': nickname,
    if (until case final until?) 'until': until.microsecondsSinceEpoch,
  };
}

/// Events were dropped, because nobody took them; its place is that of the last of them. Read again
/// what is shown.
final class ResyncEvent extends Event {
  /// Makes one.
  const ResyncEvent({required super.at, required super.sequence});

  /// Reads it from JSON.
  factory ResyncEvent.fromJson(Map<String, Object?> json) => ResyncEvent(
    at: readTime(json['at']),
    sequence: json['sequence'] as int,
  );

  @override
  List<Object?> get values => [at, sequence];

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => {
    'event': 'resync',
    'at': at.microsecondsSinceEpoch,
    'sequence': sequence,
  };
}

/// Something that this version of the package does not know.
final class UnknownEvent extends Event {
  /// Makes one.
  const UnknownEvent({required super.at, required super.sequence, required this.json});

  /// Reads it from JSON.
  factory UnknownEvent.fromJson(Map<String, Object?> json) => UnknownEvent(
    at: readTime(json['at']),
    sequence: json['sequence'] as int,
    json: json,
  );

  /// What it is in JSON.
  final Map<String, Object?> json;

  @override
  List<Object?> get values => [json];

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => json;
}
