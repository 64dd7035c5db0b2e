// Generated from bindings/c/schema.json by `cargo xtask bindings`.

part of '../protocol.dart';

/// What a node answers to a `Command`.
sealed class Reply extends Data {
  /// For variants.
  const Reply();

  /// Reads it from JSON.
  factory Reply.fromJson(Map<String, Object?> json, [Uint8List? beside]) => switch (json['reply']) {
    'done' => DoneReply.fromJson(json),
    'link' => LinkReply.fromJson(json),
    'peers' => PeersReply.fromJson(json),
    'groups' => GroupsReply.fromJson(json),
    'group' => GroupReply.fromJson(json),
    'record' => RecordReply.fromJson(json, beside),
    'records' => RecordsReply.fromJson(json, beside),
    'history' => HistoryReply.fromJson(json, beside),
    'diagnosis' => DiagnosisReply.fromJson(json),
    'user' => UserReply.fromJson(json),
    'image' => ImageReply.fromJson(json, beside),
    _ => UnknownReply.fromJson(json),
  };
}

/// It is done, durably.
final class DoneReply extends Reply {
  /// Makes one.
  const DoneReply();

  /// Reads it from JSON.
  factory DoneReply.fromJson(Map<String, Object?> json) => const DoneReply();

  @override
  List<Object?> get values => [];

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => {'reply': 'done'};
}

/// The link that was asked for.
final class LinkReply extends Reply {
  /// Makes one.
  const LinkReply(this.value);

  /// Reads it from JSON.
  factory LinkReply.fromJson(Map<String, Object?> json) =>
      LinkReply(SharedLink.fromJson(json));

  /// What it is about.
  final SharedLink value;

  @override
  List<Object?> get values => [value];

  @override
  Set<String> get hidden => value.hidden;

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => value.toJson();
}

/// The peers.
final class PeersReply extends Reply {
  /// Makes one.
  const PeersReply({required this.peers});

  /// Reads it from JSON.
  factory PeersReply.fromJson(Map<String, Object?> json) => PeersReply(
    peers: readList(json['peers'], Peer.fromJson),
  );

  /// In the order in which they were added.
  final List<Peer> peers;

  @override
  List<Object?> get values => [peers];

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => {
    'reply': 'peers',
    'peers': [for (final item in peers) item.toJson()],
  };
}

/// The groups.
final class GroupsReply extends Reply {
  /// Makes one.
  const GroupsReply({required this.groups});

  /// Reads it from JSON.
  factory GroupsReply.fromJson(Map<String, Object?> json) => GroupsReply(
    groups: readList(json['groups'], Group.fromJson),
  );

  /// In the order in which they were added.
  final List<Group> groups;

  @override
  List<Object?> get values => [groups];

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => {
    'reply': 'groups',
    'groups': [for (final item in groups) item.toJson()],
  };
}

/// The group that was made.
final class GroupReply extends Reply {
  /// Makes one.
  const GroupReply({required this.id});

  /// Reads it from JSON.
  factory GroupReply.fromJson(Map<String, Object?> json) => GroupReply(id: json['id'] as String);

  /// Its id.
  final String id;

  @override
  List<Object?> get values => [id];

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => {'reply': 'group', 'id': id};
}

/// A record, if it exists.
final class RecordReply extends Reply {
  /// Makes one.
  const RecordReply({this.record});

  /// Reads it from JSON.
  factory RecordReply.fromJson(Map<String, Object?> json, [Uint8List? beside]) => RecordReply(
    record: readOrNull(json['record'], (json) => Record.fromJson(json, beside)),
  );

  /// The record. Null if there is none.
  final Record? record;

  @override
  List<Object?> get values => [record];

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => {
    'reply': 'record',
    if (record case final record?) 'record': record.toJson(beside),
  };
}

/// Records.
final class RecordsReply extends Reply {
  /// Makes one.
  const RecordsReply({required this.records});

  /// Reads it from JSON.
  factory RecordsReply.fromJson(Map<String, Object?> json, [Uint8List? beside]) => RecordsReply(
    records: readList(json['records'], (json) => Record.fromJson(json, beside)),
  );

  /// In the order of their ids.
  final List<Record> records;

  @override
  List<Object?> get values => [records];

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => {
    'reply': 'records',
    'records': [for (final item in records) item.toJson(beside)],
  };
}

/// Versions of a record.
final class HistoryReply extends Reply {
  /// Makes one.
  const HistoryReply({required this.versions});

  /// Reads it from JSON.
  factory HistoryReply.fromJson(Map<String, Object?> json, [Uint8List? beside]) => HistoryReply(
    versions: readList(json['versions'], (json) => Version.fromJson(json, beside)),
  );

  /// The winning ones first.
  final List<Version> versions;

  @override
  List<Object?> get values => [versions];

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => {
    'reply': 'history',
    'versions': [for (final item in versions) item.toJson(beside)],
  };
}

/// What the doctor found.
final class DiagnosisReply extends Reply {
  /// Makes one.
  const DiagnosisReply(this.value);

  /// Reads it from JSON.
  factory DiagnosisReply.fromJson(Map<String, Object?> json) =>
      DiagnosisReply(Diagnosis.fromJson(json));

  /// What it is about.
  final Diagnosis value;

  @override
  List<Object?> get values => [value];

  @override
  Set<String> get hidden => value.hidden;

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => value.toJson();
}

/// This user.
final class UserReply extends Reply {
  /// Makes one.
  const UserReply({required this.id});

  /// Reads it from JSON.
  factory UserReply.fromJson(Map<String, Object?> json) => UserReply(id: json['id'] as String);

  /// The user's id, by which peers know it.
  final String id;

  @override
  List<Object?> get values => [id];

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => {'reply': 'user', 'id': id};
}

/// An image.
final class ImageReply extends Reply {
  /// Makes one.
  const ImageReply({required this.data});

  /// Reads it from JSON.
  factory ImageReply.fromJson(Map<String, Object?> json, [Uint8List? beside]) => ImageReply(
    data: readBytes(json['data'], beside),
  );

  /// The content of an image file.
  final Uint8List data;

  @override
  List<Object?> get values => [data];

  @override
  Set<String> get hidden => const {'data'};

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => {
    'reply': 'image',
    'data': writeBytes(data),
  };
}

/// Something that this version of the package does not know.
final class UnknownReply extends Reply {
  /// Makes one.
  const UnknownReply({required this.json});

  /// Reads it from JSON.
  factory UnknownReply.fromJson(Map<String, Object?> json) => UnknownReply(json: json);

  /// What it is in JSON.
  final Map<String, Object?> json;

  @override
  List<Object?> get values => [json];

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => json;
}

/// Records of an observer: first all that there are, in pages, then those that have changed. An
/// empty page says that the first reading is complete.
final class Page extends Data {
  /// Makes one.
  const Page({required this.records});

  /// Reads it from JSON.
  factory Page.fromJson(Map<String, Object?> json, [Uint8List? beside]) => Page(
    records: readList(json['records'], (json) => RecordChange.fromJson(json, beside)),
  );

  /// The records as they are now.
  final List<RecordChange> records;

  @override
  List<Object?> get values => [records];

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => {
    'records': [for (final item in records) item.toJson(beside)],
  };
}

/// What the app is asked for.
sealed class HostRequest extends Data {
  /// For variants.
  const HostRequest();

  /// Reads it from JSON.
  factory HostRequest.fromJson(Map<String, Object?> json) => switch (json['request']) {
    'load_secret' => LoadSecretRequest.fromJson(json),
    'save_secret' => SaveSecretRequest.fromJson(json),
    _ => UnknownRequest.fromJson(json),
  };
}

/// The secret that was kept: answer with its 32 bytes, or with none if none was ever kept.
final class LoadSecretRequest extends HostRequest {
  /// Makes one.
  const LoadSecretRequest();

  /// Reads it from JSON.
  factory LoadSecretRequest.fromJson(Map<String, Object?> json) => const LoadSecretRequest();

  @override
  List<Object?> get values => [];

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => {'request': 'load_secret'};
}

/// Keep the 32 bytes beside; they must be durable when this is answered, with no bytes.
final class SaveSecretRequest extends HostRequest {
  /// Makes one.
  const SaveSecretRequest();

  /// Reads it from JSON.
  factory SaveSecretRequest.fromJson(Map<String, Object?> json) => const SaveSecretRequest();

  @override
  List<Object?> get values => [];

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => {'request': 'save_secret'};
}

/// Something that this version of the package does not know.
final class UnknownRequest extends HostRequest {
  /// Makes one.
  const UnknownRequest({required this.json});

  /// Reads it from JSON.
  factory UnknownRequest.fromJson(Map<String, Object?> json) => UnknownRequest(json: json);

  /// What it is in JSON.
  final Map<String, Object?> json;

  @override
  List<Object?> get values => [json];

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => json;
}
