import 'dart:async';
import 'dart:ffi';
import 'dart:typed_data';

import 'cancelable_future.dart';
import 'collection.dart';
import 'connection.dart';
import 'following.dart';
import 'key_store.dart';
import 'model.dart';
import 'native.dart';
import 'protocol.dart';

/// A node: this user on this device, with everybody it shares with.
///
/// ```dart
/// final alice = await Node.open(Settings(folder: 'alice', services: ['https://mailbox.example']));
/// final link = (await alice.share('bob', group: 'shopping')).link;   // send it by any messenger
/// await alice.put('shopping', 'items', 'milk', {'count': 2});
/// alice.observe('shopping', 'items').listen(show);
/// ```
///
/// Methods give a [CancelableFuture]: await it like every future; `cancel()` and `timeout()` end the work itself. They
/// fail with a [ConnectoidException], which says who is at fault and what to do.
///
/// A node belongs to the isolate that opened it, and works on threads of its own: nothing blocks the isolate. Close it
/// when it is not needed any more. A node that an app has lost is closed when the garbage collector finds it, and all
/// nodes of an isolate when that ends, however it ends. A node that is open does not keep its isolate alive; a call that
/// waits for its answer and a stream that is listened to do.
final class Node implements Finalizable {
  Node._(this._connection, this.userId) {
    final handle = Pointer<Void>.fromAddress(_connection.handle);
    _releaser.attach(this, handle, detach: this);
    _abandoner.attach(this, _connection, detach: this);
  }

  /// Opens the node of a data folder, or makes one.
  ///
  /// The [keyStore] says where the master secret is kept; if it is not given, in a file in the data folder, under
  /// [Settings.passphrase] if there is one.
  ///
  /// Fails with [StorageUnavailableException] if the folder cannot be used, or another node uses it;
  /// [StorageCorruptException] if it is damaged or of a newer version; [WrongKeyException] for a wrong passphrase or a
  /// missing key.
  static CancelableFuture<Node> open(Settings settings, {KeyStore? keyStore}) =>
      Connection.open(settings, keyStore, opened: Node._, discard: (node) => node.close());

  /// Gives the library back what is left of a node; also when the isolate ends, and no Dart runs any more.
  static final NativeFinalizer _releaser = NativeFinalizer(Library.instance.releasing);

  /// Closes the port of a node that was lost.
  static final Finalizer<Connection> _abandoner = Finalizer((connection) => connection.abandon());

  final Connection _connection;

  /// This user's id, by which peers know it.
  final String userId;

  /// What happens, in order, from the moment at which somebody listens. Ends when the node is closed.
  ///
  /// A subscription that is paused (as by `await for` while its body waits) delays nobody; if it falls behind by more
  /// than about 1,000 events, the oldest are dropped, and it gets a [ResyncEvent]. What a listener throws goes to its
  /// zone, as with every stream, and the next event follows.
  late final Stream<Event> events = eventsOf(_connection, this);

  /// Makes a link for a person. It works once: whoever opens it second is refused, and this node is warned by a
  /// [LinkOpenedAgainEvent].
  ///
  /// The [nickname] is what this user calls the person, unique on this node; [group] the name or id of the group to
  /// share, made if no group has the name; [role] what the person may do there. The link works for [expiresIn]: 24
  /// hours if not given, at most 30 days. [services] and [linkBase] are others than the node's, for this link;
  /// [placement] says where in the URL the address stands.
  ///
  /// Fails with [UsageException] for a nickname that is taken, [NotPermittedException] if the group is another user's.
  CancelableFuture<SharedLink> share(
    String nickname, {
    required String group,
    Role role = Role.writer,
    Duration? expiresIn,
    List<String> services = const [],
    String? linkBase,
    Placement placement = Placement.fragment,
  }) {
    final call = ShareCall(
      nickname: nickname,
      group: group,
      role: role,
      expiresIn: expiresIn,
      services: services,
      linkBase: linkBase,
      placement: placement,
    );
    return _call(call, (json, _) => LinkReply.fromJson(json).value);
  }

  /// Opens a link that a person sent; [text] may have other words around it. Completes when the node has taken note of
  /// it; a [PairedEvent] or [OpenRefusedEvent] says how it went. Opening the same link again tries again, as long as the
  /// two have not met.
  ///
  /// Fails with [LinkMalformedException] if there is no link in the text, or a damaged one; [AlreadySharedException] if
  /// the two have met by this link; [LinkOwnException] if this node made it; [LinkRevokedException] if it was opened
  /// here before, and the share has ended; [UsageException] for a nickname that is taken.
  CancelableFuture<void> openLink(String text, {required String nickname}) =>
      _do(OpenCall(link: text, nickname: nickname));

  /// As [openLink], for a link that was scanned as a QR code from the person's own device, in that person's presence:
  /// no messenger could swap it, so the peer counts as [Verified.inPersonQr].
  CancelableFuture<void> openLinkInPerson(String text, {required String nickname}) =>
      _do(OpenCall(link: text, nickname: nickname, inPerson: true));

  /// Everybody this node shares with, and how well each group is replicated to them.
  CancelableFuture<List<Peer>> peers() =>
      _call(const PeersCall(), (json, _) => PeersReply.fromJson(json).peers);

  /// Stops sharing with a person: both sides delete the keys, the link is dead, and the person is removed from the
  /// groups that this user owns. What the person has already, it keeps.
  ///
  /// Fails with [UsageException] for an unknown nickname.
  CancelableFuture<void> unshare(String nickname) => _do(UnshareCall(nickname: nickname));

  /// Connects to a person now. Not needed for sync, which connects by itself.
  ///
  /// Fails with [UsageException] for an unknown nickname, or one that has not opened its link yet.
  CancelableFuture<void> connect(String nickname) => _do(ConnectCall(nickname: nickname));

  /// Closes the connection to a person. New data opens it again.
  CancelableFuture<void> disconnect(String nickname) => _do(DisconnectCall(nickname: nickname));

  /// Starts comparing emoji with a person: an [EmojisEvent] brings them, on both sides.
  CancelableFuture<void> verify(String nickname) => _do(VerifyCall(nickname: nickname));

  /// Says whether the emoji on both sides were the [same].
  ///
  /// Fails with [UsageException] if there are none to confirm.
  CancelableFuture<void> confirmVerify(String nickname, {required bool same}) =>
      _do(ConfirmVerifyCall(nickname: nickname, same: same));

  /// Makes a group that nobody else is in yet; gives its id.
  ///
  /// Fails with [UsageException] for a name that is taken.
  CancelableFuture<String> createGroup(String name) =>
      _call(CreateGroupCall(name: name), (json, _) => GroupReply.fromJson(json).id);

  /// The groups this user is in.
  CancelableFuture<List<Group>> groups() =>
      _call(const GroupsCall(), (json, _) => GroupsReply.fromJson(json).groups);

  /// Makes a peer a member of a group, or gives it another role there. A link brings the peer into its first group;
  /// this is for the others.
  ///
  /// Fails with [UsageException] for an unknown nickname or group, or a peer that has not been met yet;
  /// [NotPermittedException] if this user does not own the group.
  CancelableFuture<void> addMember(String nickname, String group, {Role role = Role.writer}) =>
      _do(AddMemberCall(nickname: nickname, group: group, role: role));

  /// Ends a peer's membership of a group. What the peer has of it, it keeps.
  CancelableFuture<void> removeMember(String nickname, String group) =>
      _do(RemoveMemberCall(nickname: nickname, group: group));

  /// Takes part in a group that a peer has made this user a member of ([InvitedEvent]), or that was left. What is in it
  /// comes when its members are reached. [group] is its id; or its name, with the owner's `nickname/` before it if
  /// several have that name.
  ///
  /// Fails with [UsageException] for an unknown group, or a name that several invitations have;
  /// [NotPermittedException] if this user is no member any more.
  CancelableFuture<void> acceptInvitation(String group) => _do(AcceptInvitationCall(group: group));

  /// Takes no part in a group any more, or declines an invitation. What is here of it stays and can be read; nothing of
  /// it is received or given any more. Its members are told, and it can be accepted again.
  ///
  /// Fails with [UsageException] for an unknown group; [NotPermittedException] for its owner.
  CancelableFuture<void> leaveGroup(String group) => _do(LeaveGroupCall(group: group));

  /// Leaves a group and deletes what is here of it. Only a new link brings it back.
  ///
  /// Fails with [UsageException] for an unknown group; [NotPermittedException] for its owner while it has other members.
  CancelableFuture<void> forgetGroup(String group) => _do(ForgetGroupCall(group: group));

  /// A handle for a group, by its name or id: `node.group('shopping').collection('items')`.
  GroupHandle group(String name) => GroupHandle(this, name);

  /// Sets fields of a record; fields that are not named stay: [replace] makes the record exactly what is given,
  /// [removeFields] takes fields away. Durable when this completes.
  ///
  /// Values are those of JSON (null, bool, num, String, List, Map), and bytes as [Uint8List]. A [DateTime] becomes text
  /// in UTC, as [DateTime.parse] reads it; an [Enum] its name; an object of the app what its `toJson()` gives.
  ///
  /// Fails with [UsageException] if a value cannot be stored, such as an integer of 2^53 or more;
  /// [NotPermittedException] if this user may only read.
  CancelableFuture<void> put(
    String group,
    String collection,
    String id,
    Map<String, Object?> fields,
  ) => commit(group, [PutWrite(collection: collection, id: id, fields: fields)]);

  /// Makes a record exactly this: fields that it shows here and that are not named go. Only what differs is written, so
  /// an edit of another field that a peer made meanwhile survives. Durable when this completes.
  ///
  /// Fails with [UsageException] if there is no field; and as [put].
  CancelableFuture<void> replace(
    String group,
    String collection,
    String id,
    Map<String, Object?> fields,
  ) => commit(group, [ReplaceWrite(collection: collection, id: id, fields: fields)]);

  /// Removes fields of a record, whether it has them or not; a record without fields does not exist. Durable when this
  /// completes.
  ///
  /// Fails with [UsageException] if no field is named; and as [put].
  CancelableFuture<void> removeFields(String group, String collection, String id, List<String> fields) =>
      commit(group, [RemoveFieldsWrite(collection: collection, id: id, fields: fields)]);

  /// Deletes a record. Durable when this completes.
  CancelableFuture<void> delete(String group, String collection, String id) =>
      commit(group, [DeleteWrite(collection: collection, id: id)]);

  /// Writes several records: all of them or none, here and at every peer. At most 1,000 writes and 256 KiB.
  ///
  /// Fails with [UsageException] if it is more, or a value cannot be stored; [NotPermittedException] if this user may
  /// only read.
  CancelableFuture<void> commit(String group, List<Write> writes) =>
      _do(CommitCall(group: group, writes: writes));

  /// Reads a record; null if there is none.
  ///
  /// Fails with [UsageException] for an unknown group.
  CancelableFuture<Record?> record(String group, String collection, String id) => _call(
    GetCall(group: group, collection: collection, id: id),
    (json, beside) => RecordReply.fromJson(json, beside).record,
  );

  /// Reads records of a collection in the order of their ids, at most [limit] (up to 10,000), those behind [after].
  ///
  /// Fails with [UsageException] for an unknown group.
  CancelableFuture<List<Record>> list(
    String group,
    String collection, {
    String? after,
    int limit = 1000,
  }) => _call(
    ListCall(group: group, collection: collection, after: after, limit: limit),
    (json, beside) => RecordsReply.fromJson(json, beside).records,
  );

  /// Reads all versions of a record that are still kept, the losing ones too, and why they lost.
  CancelableFuture<List<Version>> history(String group, String collection, String id) => _call(
    HistoryCall(group: group, collection: collection, id: id),
    (json, beside) => HistoryReply.fromJson(json, beside).versions,
  );

  /// The records of a collection in the order of their ids, now and again whenever they have changed: what a list on
  /// the screen shows. A subscription that is paused gets the latest when it goes on. Empty as long as there is no
  /// such group. Ends when the node is closed, or with an error if the storage fails.
  ///
  /// Each subscription follows the collection by itself, until it is cancelled. Keep the stream where a widget keeps
  /// its state, and not in `build`.
  Stream<List<Record>> observe(String group, String collection) =>
      snapshotsOf(_connection, this, ChangesCall(group: group, collection: collection));

  /// Follows a collection record by record: first all that there are, in several lists; then an empty list, which says
  /// that this was all; then what changes, as it is by then: a listener that is behind is not told the versions in
  /// between, and after everything had to be read again, an empty list comes again. For collections that are too large to
  /// hold; [observe] is simpler.
  Stream<List<RecordChange>> changes(String group, String collection) =>
      changesOf(_connection, this, ChangesCall(group: group, collection: collection));

  /// Sends a message to a person's app, of at most 256 KiB. Completes when that app has it; cancelling takes the
  /// message back if it was not sent yet. Messages are not kept over a restart: what must not be lost belongs into a
  /// record.
  ///
  /// Fails with [PeerSilentException] if the connection broke before the message was confirmed: it may or may not have
  /// arrived; [UnansweredException] if the app there did not take it, as nobody was listening for events or too slowly,
  /// or if 64 messages wait for the peer already: send it again later.
  CancelableFuture<void> send(String nickname, Uint8List data) =>
      _do(SendCall(nickname: nickname, data: data));

  /// Finds out why connections do not come about: to one person, or to everybody.
  CancelableFuture<Diagnosis> diagnose([String? nickname]) =>
      _call(DoctorCall(nickname: nickname), (json, _) => DiagnosisReply.fromJson(json).value);

  /// The app came to the foreground or went to the background.
  CancelableFuture<void> setPace(Pace pace) => _do(SetPaceCall(pace: pace));

  /// The network has changed: open connections move to the new one.
  CancelableFuture<void> networkChanged() => _do(const NetworkChangedCall());

  /// Looks into the mailboxes now, and connects to everybody who lacks something.
  CancelableFuture<void> syncNow() => _do(const SyncNowCall());

  /// Draws a link as a QR code, to be scanned in person, with the light margin without which cameras do not find it.
  /// Gives the content of an image file: `Image.memory(await node.qr(link))`. The [scale] is the pixels per module of a
  /// PNG image, 1 to 32.
  ///
  /// Fails with [UsageException] if the link has more than 2,331 bytes.
  CancelableFuture<Uint8List> qr(
    String link, {
    ImageFormat format = ImageFormat.png,
    int scale = 8,
  }) => _call(
    QrCall(link: link, format: format, scale: scale),
    (json, beside) => ImageReply.fromJson(json, beside).data,
  );

  /// Closes the node: connections are closed, streams end, the data folder is free for another node. Every later call
  /// fails with [ClosedException]. Closing again does nothing. Cannot be cancelled: half closed is no state to be in.
  Future<void> close() {
    _releaser.detach(this);
    _abandoner.detach(this);
    return _connection.close();
  }

  /// Says no more than whose it is.
  @override
  String toString() => 'Node($userId)';

  CancelableFuture<T> _call<T>(
    Call call,
    T Function(Map<String, Object?> json, Uint8List? beside) read,
  ) => _connection.call(this, call, read);

  CancelableFuture<void> _do(Call call) => _call(call, (_, __) {});
}
