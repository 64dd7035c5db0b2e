// Generated from bindings/c/schema.json by `cargo xtask bindings`.

part of '../protocol.dart';

/// What a node can be told.
sealed class Call extends Data {
  /// For variants.
  const Call();

  /// The bytes that are the call's `data`.
  Uint8List? get bytes => null;
}

/// Make a link for a person.
final class ShareCall extends Call {
  /// Makes one.
  const ShareCall({
    required this.group,
    required this.nickname,
    this.expiresIn,
    this.linkBase,
    this.placement = Placement.fragment,
    this.role = Role.writer,
    this.services = const [],
  });

  /// The name or id of the group to share; made if no group has the name.
  final String group;

  /// What this user calls the person; unique on this node.
  final String nickname;

  /// How long the link works. Null if there is none.
  final Duration? expiresIn;

  /// Another link base than the node's, for this link. Null if there is none.
  final String? linkBase;

  /// Where in the URL the address stands.
  final Placement placement;

  /// What the person may do there.
  final Role role;

  /// Other services than the node's, for this link.
  final List<String> services;

  @override
  List<Object?> get values => [group, nickname, expiresIn, linkBase, placement, role, services];

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => {
    'method': 'share',
    'group': group,
    'nickname': nickname,
    if (expiresIn case final expiresIn?) 'expires_in': writeSeconds(expiresIn),
    if (linkBase case final linkBase?) 'link_base': linkBase,
    'placement': placement.json,
    'role': role.json,
    'services': services,
  };
}

/// Open a link that a person sent.
final class OpenCall extends Call {
  /// Makes one.
  const OpenCall({required this.link, required this.nickname, this.inPerson = false});

  /// The link, with whatever stood around it.
  final String link;

  /// What this user calls the person; unique on this node.
  final String nickname;

  /// Whether the link was scanned as a QR code from the person's own device, in that person's
  /// presence.
  final bool inPerson;

  @override
  List<Object?> get values => [link, nickname, inPerson];

  @override
  Set<String> get hidden => const {'link'};

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => {
    'method': 'open',
    'link': link,
    'nickname': nickname,
    'in_person': inPerson,
  };
}

/// Everybody this node shares with.
final class PeersCall extends Call {
  /// Makes one.
  const PeersCall();

  @override
  List<Object?> get values => [];

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => {'method': 'peers'};
}

/// Stop sharing with a person.
final class UnshareCall extends Call {
  /// Makes one.
  const UnshareCall({required this.nickname});

  /// The person.
  final String nickname;

  @override
  List<Object?> get values => [nickname];

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => {
    'method': 'unshare',
    'nickname': nickname,
  };
}

/// Connect to a person now.
final class ConnectCall extends Call {
  /// Makes one.
  const ConnectCall({required this.nickname});

  /// The person.
  final String nickname;

  @override
  List<Object?> get values => [nickname];

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => {
    'method': 'connect',
    'nickname': nickname,
  };
}

/// Close the connection to a person; new data opens it again.
final class DisconnectCall extends Call {
  /// Makes one.
  const DisconnectCall({required this.nickname});

  /// The person.
  final String nickname;

  @override
  List<Object?> get values => [nickname];

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => {
    'method': 'disconnect',
    'nickname': nickname,
  };
}

/// Start comparing emoji with a person.
final class VerifyCall extends Call {
  /// Makes one.
  const VerifyCall({required this.nickname});

  /// The person.
  final String nickname;

  @override
  List<Object?> get values => [nickname];

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => {'method': 'verify', 'nickname': nickname};
}

/// Say whether the emoji were the same.
final class ConfirmVerifyCall extends Call {
  /// Makes one.
  const ConfirmVerifyCall({required this.nickname, required this.same});

  /// The person.
  final String nickname;

  /// Whether they were.
  final bool same;

  @override
  List<Object?> get values => [nickname, same];

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => {
    'method': 'confirm_verify',
    'nickname': nickname,
    'same': same,
  };
}

/// Make a group that nobody else is in yet.
final class CreateGroupCall extends Call {
  /// Makes one.
  const CreateGroupCall({required this.name});

  /// Its name.
  final String name;

  @override
  List<Object?> get values => [name];

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => {'method': 'create_group', 'name': name};
}

/// The groups this user is in, was in, or is invited to.
final class GroupsCall extends Call {
  /// Makes one.
  const GroupsCall();

  @override
  List<Object?> get values => [];

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => {'method': 'groups'};
}

/// Make a peer a member of a group, or give it another role there. The peer's user is invited, and
/// takes part once that is accepted (see [AcceptanceEvent]).
final class AddMemberCall extends Call {
  /// Makes one.
  const AddMemberCall({required this.group, required this.nickname, this.role = Role.writer});

  /// The name or id of the group.
  final String group;

  /// The person.
  final String nickname;

  /// What the person may do there.
  final Role role;

  @override
  List<Object?> get values => [group, nickname, role];

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => {
    'method': 'add_member',
    'group': group,
    'nickname': nickname,
    'role': role.json,
  };
}

/// End a peer's membership of a group.
final class RemoveMemberCall extends Call {
  /// Makes one.
  const RemoveMemberCall({required this.group, required this.nickname});

  /// The name or id of the group.
  final String group;

  /// The person.
  final String nickname;

  @override
  List<Object?> get values => [group, nickname];

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => {
    'method': 'remove_member',
    'group': group,
    'nickname': nickname,
  };
}

/// Take part in a group that a peer has made this user a member of, or that was left. What is in it
/// comes when its members are reached.
final class AcceptInvitationCall extends Call {
  /// Makes one.
  const AcceptInvitationCall({required this.group});

  /// The group's id; or its name, with `nickname/` of its owner before it if there are several.
  final String group;

  @override
  List<Object?> get values => [group];

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => {
    'method': 'accept_invitation',
    'group': group,
  };
}

/// Take no part in a group any more, or do not accept an invitation. What is here of it stays and
/// can be read; nothing of it is received or given any more. Its members are told, and it can be
/// accepted again.
final class LeaveGroupCall extends Call {
  /// Makes one.
  const LeaveGroupCall({required this.group});

  /// The group's id or name; an invitation's also as in `Node.acceptInvitation`.
  final String group;

  @override
  List<Object?> get values => [group];

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => {'method': 'leave_group', 'group': group};
}

/// Leave a group and delete what is here of it. Only a new link brings it back.
final class ForgetGroupCall extends Call {
  /// Makes one.
  const ForgetGroupCall({required this.group});

  /// The group's id or name; an invitation's also as in `Node.acceptInvitation`.
  final String group;

  @override
  List<Object?> get values => [group];

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => {'method': 'forget_group', 'group': group};
}

/// Write records: all of them or none.
final class CommitCall extends Call {
  /// Makes one.
  const CommitCall({required this.group, required this.writes});

  /// The name or id of the group.
  final String group;

  /// The writes, at most 1,000.
  final List<Write> writes;

  @override
  List<Object?> get values => [group, writes];

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => {
    'method': 'commit',
    'group': group,
    'writes': [for (final item in writes) item.toJson(beside)],
  };
}

/// Read a record.
final class GetCall extends Call {
  /// Makes one.
  const GetCall({required this.collection, required this.group, required this.id});

  /// The collection.
  final String collection;

  /// The name or id of the group.
  final String group;

  /// The record's id.
  final String id;

  @override
  List<Object?> get values => [collection, group, id];

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => {
    'method': 'get',
    'collection': collection,
    'group': group,
    'id': id,
  };
}

/// Read the records of a collection in the order of their ids.
final class ListCall extends Call {
  /// Makes one.
  const ListCall({required this.collection, required this.group, this.after, this.limit = 1000});

  /// The collection.
  final String collection;

  /// The name or id of the group.
  final String group;

  /// Start behind this id. Null if there is none.
  final String? after;

  /// At most so many, up to 10,000.
  final int limit;

  @override
  List<Object?> get values => [collection, group, after, limit];

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => {
    'method': 'list',
    'collection': collection,
    'group': group,
    if (after case final after?) 'after': after,
    'limit': limit,
  };
}

/// Read all versions of a record that are still kept, the losing ones too, and why they lost.
final class HistoryCall extends Call {
  /// Makes one.
  const HistoryCall({required this.collection, required this.group, required this.id});

  /// The collection.
  final String collection;

  /// The name or id of the group.
  final String group;

  /// The record's id.
  final String id;

  @override
  List<Object?> get values => [collection, group, id];

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => {
    'method': 'history',
    'collection': collection,
    'group': group,
    'id': id,
  };
}

/// Send a message to a person's app; answered when that app has it.
final class SendCall extends Call {
  /// Makes one.
  const SendCall({required this.data, required this.nickname});

  /// The message, at most 256 KiB.
  final Uint8List data;

  /// The person.
  final String nickname;

  @override
  List<Object?> get values => [data, nickname];

  @override
  Set<String> get hidden => const {'data'};

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => {'method': 'send', 'nickname': nickname};

  @override
  Uint8List get bytes => data;
}

/// Find out why a connection does not come about.
final class DoctorCall extends Call {
  /// Makes one.
  const DoctorCall({this.nickname});

  /// One person; everybody if not given.
  final String? nickname;

  @override
  List<Object?> get values => [nickname];

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => {
    'method': 'doctor',
    if (nickname case final nickname?) 'nickname': nickname,
  };
}

/// The app came to the foreground or went to the background.
final class SetPaceCall extends Call {
  /// Makes one.
  const SetPaceCall({required this.pace});

  /// What the app does now.
  final Pace pace;

  @override
  List<Object?> get values => [pace];

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => {'method': 'set_pace', 'pace': pace.json};
}

/// The network has changed.
final class NetworkChangedCall extends Call {
  /// Makes one.
  const NetworkChangedCall();

  @override
  List<Object?> get values => [];

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => {'method': 'network_changed'};
}

/// Look into the mailboxes now, and connect to everybody who lacks something.
final class SyncNowCall extends Call {
  /// Makes one.
  const SyncNowCall();

  @override
  List<Object?> get values => [];

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => {'method': 'sync_now'};
}

/// This user's id, by which peers know it.
final class UserIdCall extends Call {
  /// Makes one.
  const UserIdCall();

  @override
  List<Object?> get values => [];

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => {'method': 'user_id'};
}

/// Draw a link as a QR code, to be scanned in person.
final class QrCall extends Call {
  /// Makes one.
  const QrCall({required this.link, this.format = ImageFormat.svg, this.scale = 8});

  /// The link.
  final String link;

  /// The image's format.
  final ImageFormat format;

  /// Pixels per module of a PNG image, 1 to 32.
  final int scale;

  @override
  List<Object?> get values => [link, format, scale];

  @override
  Set<String> get hidden => const {'link'};

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => {
    'method': 'qr',
    'link': link,
    'format': format.json,
    'scale': scale,
  };
}

/// Follow a collection record by record. The call is answered when it ends: when it is cancelled,
/// the node is closed, or reading fails. Until then it brings [Page]s.
final class ChangesCall extends Call {
  /// Makes one.
  const ChangesCall({required this.collection, required this.group});

  /// The collection.
  final String collection;

  /// The name or id of the group.
  final String group;

  @override
  List<Object?> get values => [collection, group];

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => {
    'method': 'changes',
    'collection': collection,
    'group': group,
  };
}
