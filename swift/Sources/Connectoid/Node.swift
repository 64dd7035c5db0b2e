import Foundation
internal import ConnectoidBindings

/// A node: this user on this device, with everybody it shares with.
///
/// ```swift
/// let alice = try await Node.open(NodeSettings(folder: folder, services: ["https://mailbox.example"]))
/// let link = try await alice.share("bob", group: "shopping").link  // send it by any messenger
/// try await alice.put("shopping", "items", "milk", ["count": 2])
/// for try await items in alice.observe("shopping", "items") { show(items) }
/// ```
///
/// Everything may be called from any thread or actor, and blocks none; to read one record takes some microseconds of the
/// task's thread. Cancelling a task that waits for a call cancels
/// the work itself, and the call throws a `CancellationError`; a write that was already handed to the store stays
/// written. All else that goes wrong is a ``ConnectoidError``, which says who is at fault and what to do.
///
/// A node has threads of its own. Close it by ``close()``, which returns when its folder is free; a node that nothing
/// refers to any more is closed too.
public final class Node: Sendable {
    private let ffi: ConnectoidBindings.Node

    /// This user's id, by which peers know it.
    public let userId: String

    private init(_ ffi: ConnectoidBindings.Node) throws {
        self.ffi = ffi
        userId = try call { try ffi.userId() }
    }

    deinit {
        // Streams hold on to the library's part, and shall end.
        Task { [ffi] in await shutDown(ffi) }
    }

    /// Opens the node of a data folder, or makes one.
    ///
    /// - Parameters:
    ///   - settings: Where, by which services, how.
    ///   - keyStore: Where the master secret is kept; if not given, in a file in the data folder, under
    ///     ``NodeSettings/passphrase`` if there is one.
    /// - Throws: ``ConnectoidError/Kind-swift.enum/storageUnavailable`` if the folder cannot be used, or another node
    ///   uses it; ``ConnectoidError/Kind-swift.enum/storageCorrupt`` if it is damaged or of a newer version;
    ///   ``ConnectoidError/Kind-swift.enum/wrongKey`` for a wrong passphrase or a missing key;
    ///   ``ConnectoidError/Kind-swift.enum/timeout`` if the key store did not answer;
    ///   ``ConnectoidError/Kind-swift.enum/usage`` for settings that cannot be.
    public static func open(_ settings: NodeSettings, keyStore: (any KeyStore)? = nil) async throws -> Node {
        let settings = try call { try ConnectoidBindings.Settings(settings) }
        let asked = keyStore.map(KeyStoreAdapter.init)
        // Half open is no state to be in: what has begun goes on, and what nobody gets is closed again.
        let opening = Task { try await ConnectoidBindings.Node.open(settings: settings, keyStore: asked) }
        let opened = await withTaskCancellationHandler {
            await opening.result
        } onCancel: {
            asked?.end()
        }
        guard !Task.isCancelled else {
            if case let .success(ffi) = opened { await shutDown(ffi) }
            throw CancellationError()
        }
        return try Node(call { try opened.get() })
    }

    // MARK: Events

    /// What happens, in order, from the moment at which this is asked for. Ends when the node is closed.
    ///
    /// Whoever iterates slowly delays nobody; who falls behind by more than about 1,000 events loses the oldest, and gets
    /// ``EventKind/resync``. A stream is for one loop: ask again for another.
    public var events: AsyncStream<Event> { Connectoid.events(of: ffi) }

    /// Calls a handler for what happens from now on, one event at a time, until the subscription is cancelled or
    /// dropped. For code without a task; ``events`` is the same as a stream.
    ///
    /// The handler runs on no particular actor, so a user interface is changed on the main actor from it; it may call the
    /// node. When the subscription is cancelled, a handler that is at work is cancelled, and no other event follows. What
    /// it throws is told in the system's log (on standard error where there is none), and the next event follows.
    ///
    /// - Throws: ``ConnectoidError/Kind-swift.enum/closed``.
    public func subscribe(_ handler: @escaping @Sendable (Event) async throws -> Void) throws -> EventSubscription {
        let listener = EventHandler(handler)
        return try call { EventSubscription(try ffi.subscribe(listener: listener), onCancel: listener.end) }
    }

    // MARK: People

    /// Makes a link for a person. It works once: whoever opens it second is refused, and this node is warned by
    /// ``EventKind/linkOpenedAgain(nickname:winner:other:)``.
    ///
    /// - Parameters:
    ///   - nickname: What this user calls the person; unique on this node.
    ///   - group: The name or id of the group to share; made if no group has the name.
    ///   - role: What the person may do there.
    ///   - expiresIn: How long the link works; 24 hours if not given, at most 30 days.
    ///   - services: Other services than the node's, for this link.
    ///   - linkBase: Another link base than the node's, for this link.
    ///   - placement: Where in the URL the address stands.
    /// - Throws: ``ConnectoidError/Kind-swift.enum/usage`` for a nickname that is taken;
    ///   ``ConnectoidError/Kind-swift.enum/notPermitted`` if the group is another user's.
    public func share(
        _ nickname: String,
        group: String,
        role: Role = .writer,
        expiresIn: Duration? = nil,
        services: [String] = [],
        linkBase: String? = nil,
        placement: Placement = .fragment
    ) async throws -> SharedLink {
        try await call {
            let share = ConnectoidBindings.Share(
                nickname: nickname,
                group: group,
                role: ConnectoidBindings.Role(role),
                expiresIn: try expiresIn?.seconds(),
                services: services,
                linkBase: linkBase,
                placement: ConnectoidBindings.Placement(placement)
            )
            return SharedLink(try await ffi.share(share: share))
        }
    }

    /// Opens a link that a person sent; `text` may have other words around it. Returns when the node has taken note of
    /// it; ``EventKind/paired(nickname:)`` or ``EventKind/openRefused(nickname:problem:usedAt:winner:)`` says how it
    /// went. Opening the same link again tries again, as long as the two have not met.
    ///
    /// - Throws: ``ConnectoidError/Kind-swift.enum/linkMalformed`` if there is no link in the text, or a damaged one;
    ///   ``ConnectoidError/Kind-swift.enum/alreadyShared`` if the two have met by this link;
    ///   ``ConnectoidError/Kind-swift.enum/linkOwn`` if this node made it;
    ///   ``ConnectoidError/Kind-swift.enum/linkRevoked`` if it was opened here before, and the share has ended;
    ///   ``ConnectoidError/Kind-swift.enum/usage`` for a nickname that is taken.
    public func openLink(_ text: String, nickname: String) async throws {
        try await call { try await ffi.openLink(text: text, nickname: nickname) }
    }

    /// As ``openLink(_:nickname:)``, for a link that was scanned as a QR code from the person's own device, in that
    /// person's presence: no messenger could swap it, so the peer counts as ``Verified/inPersonQr``.
    public func openLinkInPerson(_ text: String, nickname: String) async throws {
        try await call { try await ffi.openLinkInPerson(text: text, nickname: nickname) }
    }

    /// Everybody this node shares with, and how well each group is replicated to them.
    public func peers() async throws -> [Peer] {
        try await call { try await ffi.peers().map(Peer.init) }
    }

    /// Stops sharing with a person: both sides delete the keys, the link is dead, and the person is removed from the
    /// groups that this user owns. What the person has already, it keeps.
    ///
    /// - Throws: ``ConnectoidError/Kind-swift.enum/usage`` for an unknown nickname.
    public func unshare(_ nickname: String) async throws {
        try await call { try await ffi.unshare(nickname: nickname) }
    }

    /// Connects to a person now. Not needed for sync, which connects by itself.
    ///
    /// - Throws: ``ConnectoidError/Kind-swift.enum/usage`` for an unknown nickname, or one that has not opened its link
    ///   yet.
    public func connect(_ nickname: String) async throws {
        try await call { try await ffi.connect(nickname: nickname) }
    }

    /// Closes the connection to a person. New data opens it again.
    ///
    /// - Throws: ``ConnectoidError/Kind-swift.enum/usage`` for an unknown nickname.
    public func disconnect(_ nickname: String) async throws {
        try await call { try await ffi.disconnect(nickname: nickname) }
    }

    /// Starts comparing emoji with a person: ``EventKind/emojis(nickname:names:emojis:)`` brings them, on both sides.
    ///
    /// - Throws: ``ConnectoidError/Kind-swift.enum/usage`` for an unknown nickname.
    public func verify(_ nickname: String) async throws {
        try await call { try await ffi.verify(nickname: nickname) }
    }

    /// Says whether the emoji on both sides were the same.
    ///
    /// - Throws: ``ConnectoidError/Kind-swift.enum/usage`` if there are none to confirm.
    public func confirmVerify(_ nickname: String, same: Bool) async throws {
        try await call { try await ffi.confirmVerify(nickname: nickname, same: same) }
    }

    // MARK: Groups

    /// Makes a group that nobody else is in yet; returns its id.
    ///
    /// - Throws: ``ConnectoidError/Kind-swift.enum/usage`` for a name that is taken.
    @discardableResult
    public func createGroup(_ name: String) async throws -> String {
        try await call { try await ffi.createGroup(name: name) }
    }

    /// The groups this user is in.
    public func groups() async throws -> [GroupInfo] {
        try await call { try await ffi.groups().map(GroupInfo.init) }
    }

    /// Makes a peer a member of a group, or gives it another role there. A link brings the peer into its first group;
    /// this is for the others.
    ///
    /// - Throws: ``ConnectoidError/Kind-swift.enum/usage`` for an unknown nickname or group, or a peer that has not been
    ///   met yet; ``ConnectoidError/Kind-swift.enum/notPermitted`` if this user does not own the group.
    public func addMember(_ nickname: String, group: String, role: Role = .writer) async throws {
        try await call {
            try await ffi.addMember(nickname: nickname, group: group, role: ConnectoidBindings.Role(role))
        }
    }

    /// Ends a peer's membership of a group. What the peer has of it, it keeps.
    ///
    /// - Throws: As ``addMember(_:group:role:)``.
    public func removeMember(_ nickname: String, group: String) async throws {
        try await call { try await ffi.removeMember(nickname: nickname, group: group) }
    }

    /// Takes part in a group that a peer has made this user a member of
    /// (``EventKind/invited(group:name:nickname:)``), or that was left. What is in it comes when its members are reached.
    ///
    /// - Parameter group: Its id; or its name, with the owner's `nickname/` before it if several have that name.
    /// - Throws: ``ConnectoidError/Kind-swift.enum/usage`` for an unknown group, or a name that several invitations have;
    ///   ``ConnectoidError/Kind-swift.enum/notPermitted`` if this user is no member any more.
    public func acceptInvitation(_ group: String) async throws {
        try await call { try await ffi.acceptInvitation(group: group) }
    }

    /// Takes no part in a group any more, or declines an invitation. What is here of it stays and can be read; nothing of
    /// it is received or given any more. Its members are told, and it can be accepted again.
    ///
    /// - Throws: ``ConnectoidError/Kind-swift.enum/usage`` for an unknown group;
    ///   ``ConnectoidError/Kind-swift.enum/notPermitted`` for its owner.
    public func leaveGroup(_ group: String) async throws {
        try await call { try await ffi.leaveGroup(group: group) }
    }

    /// Leaves a group and deletes what is here of it. Only a new link brings it back.
    ///
    /// - Throws: ``ConnectoidError/Kind-swift.enum/usage`` for an unknown group;
    ///   ``ConnectoidError/Kind-swift.enum/notPermitted`` for its owner while it has other members.
    public func forgetGroup(_ group: String) async throws {
        try await call { try await ffi.forgetGroup(group: group) }
    }

    // MARK: Records

    /// A handle for a group, by its name or id: `node.group("shopping").collection("items")`.
    public func group(_ name: String) -> GroupHandle { GroupHandle(node: self, group: name) }

    /// Sets fields of a record; fields that are not named stay: ``replace(_:_:_:_:)`` makes the record exactly what is
    /// given, ``removeFields(_:_:_:_:)`` takes fields away. Durable when this returns.
    ///
    /// - Throws: ``ConnectoidError/Kind-swift.enum/usage`` if a value cannot be stored, such as an integer of 2^53 or
    ///   more; ``ConnectoidError/Kind-swift.enum/notPermitted`` if this user may only read.
    public func put(_ group: String, _ collection: String, _ id: String, _ fields: [String: JSONValue]) async throws {
        try await call {
            let json = try JSONValue.object(fields).json()
            try checkLength(json.utf8.count)
            try await ffi.put(group: group, collection: collection, id: id, fields: json)
        }
    }

    /// Makes a record exactly what a value of the app is: `try await node.put("shopping", "items", "milk",
    /// encoding: item)`. What is `nil` in it goes, and what its type does not know; if `merging`, both stay. `Data`
    /// becomes bytes, `Date` text as in RFC 3339.
    ///
    /// - Throws: An `EncodingError` if it cannot be said as JSON; and as
    ///   ``put(_:_:_:_:)``.
    public func put(
        _ group: String, _ collection: String, _ id: String, encoding value: some Encodable, merging: Bool = false
    ) async throws {
        try await commit(group, [.put(collection: collection, id: id, encoding: value, merging: merging)])
    }

    /// Makes a record exactly this: fields that it shows here and that are not named go. Only what differs is written,
    /// so an edit of another field that a peer made meanwhile survives. Durable when this returns.
    ///
    /// - Throws: ``ConnectoidError/Kind-swift.enum/usage`` if there is no field; and as ``put(_:_:_:_:)``.
    public func replace(
        _ group: String, _ collection: String, _ id: String, _ fields: [String: JSONValue]
    ) async throws {
        try await call {
            let json = try JSONValue.object(fields).json()
            try checkLength(json.utf8.count)
            try await ffi.replace(group: group, collection: collection, id: id, fields: json)
        }
    }

    /// Removes fields of a record, whether it has them or not; a record without fields does not exist. Durable when this
    /// returns.
    ///
    /// - Throws: ``ConnectoidError/Kind-swift.enum/usage`` if no field is named; and as ``put(_:_:_:_:)``.
    public func removeFields(_ group: String, _ collection: String, _ id: String, _ fields: [String]) async throws {
        try await call {
            try checkLength(fields.reduce(0) { sum, field in sum + field.utf8.count })
            try await ffi.removeFields(group: group, collection: collection, id: id, fields: fields)
        }
    }

    /// Deletes a record. Durable when this returns.
    public func delete(_ group: String, _ collection: String, _ id: String) async throws {
        try await call { try await ffi.delete(group: group, collection: collection, id: id) }
    }

    /// Writes several records: all of them or none, here and at every peer. At most 1,000 writes and 256 KiB.
    ///
    /// - Throws: ``ConnectoidError/Kind-swift.enum/usage`` if it is more, or a value cannot be stored;
    ///   ``ConnectoidError/Kind-swift.enum/notPermitted`` if this user may only read.
    public func commit(_ group: String, _ writes: [Write]) async throws {
        try await call {
            let writes = try writes.map(ConnectoidBindings.Write.init)
            try checkLength(writes.reduce(0) { sum, write in sum + write.length })
            try await ffi.commit(group: group, writes: writes)
        }
    }

    /// Reads a record; `nil` if there is none.
    ///
    /// - Throws: ``ConnectoidError/Kind-swift.enum/usage`` for an unknown group.
    public func record(_ group: String, _ collection: String, _ id: String) async throws -> Record? {
        try call { try ffi.record(group: group, collection: collection, id: id).map(Record.init) }
    }

    /// Reads records of a collection in the order of their ids, at most `limit` (up to 10,000), those behind `after`.
    ///
    /// - Throws: ``ConnectoidError/Kind-swift.enum/usage`` for an unknown group, or a negative limit.
    public func list(
        _ group: String, _ collection: String, after: String? = nil, limit: Int = 1000
    ) async throws -> [Record] {
        guard limit >= 0 else { throw ConnectoidError.usage("a limit is not negative") }
        let limit = UInt32(clamping: limit)
        return try await callAside { [ffi] in
            try ffi.list(group: group, collection: collection, after: after, limit: limit).map(Record.init)
        }
    }

    /// Reads all versions of a record that are still kept, the losing ones too, and why they lost.
    ///
    /// - Throws: ``ConnectoidError/Kind-swift.enum/usage`` for an unknown group.
    public func history(_ group: String, _ collection: String, _ id: String) async throws -> [Version] {
        try await call {
            try await ffi.history(group: group, collection: collection, id: id).map(Version.init)
        }
    }

    /// The records of a collection in the order of their ids, now and again whenever they have changed: what a list on
    /// the screen shows. Whoever iterates slowly gets the latest. Empty as long as there is no such group. Ends when the
    /// node is closed; throws if the storage fails. A stream is for one loop: ask again for another.
    public func observe(_ group: String, _ collection: String) -> AsyncThrowingStream<[Record], any Error> {
        snapshots(of: ffi, group, collection)
    }

    /// Follows a collection record by record: first all that there are, in several lists; then an empty list, which says
    /// that this was all; then what changes, as it is by then: a task that is behind is not told the versions in
    /// between, and after everything had to be read again, an empty list comes again. For collections that are too large
    /// to hold; ``observe(_:_:)`` is simpler.
    public func changes(_ group: String, _ collection: String) -> AsyncThrowingStream<[RecordChange], any Error> {
        Connectoid.changes(of: ffi, group, collection)
    }

    // MARK: Messages

    /// Sends a message to a person's app, of at most 256 KiB. Returns when that app has it; cancelling takes the message
    /// back if it was not sent yet. Messages are not kept over a restart: what must not be lost belongs into a record.
    ///
    /// - Throws: ``ConnectoidError/Kind-swift.enum/peerSilent`` if the connection broke before the message was confirmed:
    ///   it may or may not have arrived. ``ConnectoidError/Kind-swift.enum/unanswered`` if the app there did not take it, as
    ///   nobody was listening for events or too slowly, or if 64 messages wait for the peer already: send it again later.
    public func send(_ nickname: String, _ data: Data) async throws {
        try await call {
            try checkLength(data.count)
            try await ffi.send(nickname: nickname, data: data)
        }
    }

    // MARK: The platform

    /// Finds out why connections do not come about: to one person, or to everybody.
    ///
    /// - Throws: ``ConnectoidError/Kind-swift.enum/usage`` for an unknown nickname.
    public func diagnose(_ nickname: String? = nil) async throws -> Diagnosis {
        try await call { Diagnosis(try await ffi.diagnose(nickname: nickname)) }
    }

    /// The app came to the foreground or went to the background.
    public func setPace(_ pace: Pace) async throws {
        try await call { try await ffi.setPace(pace: ConnectoidBindings.Pace(pace)) }
    }

    /// The network has changed: open connections move to the new one.
    public func networkChanged() async throws {
        try await call { try await ffi.networkChanged() }
    }

    /// Looks into the mailboxes now, and connects to everybody who lacks something.
    public func syncNow() async throws {
        try await call { try await ffi.syncNow() }
    }

    /// Closes the node: connections are closed, streams end, the data folder is free for another node. Every later call
    /// fails with ``ConnectoidError/Kind-swift.enum/closed``. Closing again does nothing. Is carried out even if the
    /// task is cancelled: half closed is no state to be in.
    public func close() async {
        await shutDown(ffi)
    }
}

/// Is carried out even if the caller's task is cancelled: half closed is no state to be in.
private func shutDown(_ ffi: ConnectoidBindings.Node) async {
    let closing = Task { try await ffi.shutDown() }
    if case let .failure(error) = await closing.result { report("the node could not be closed", error) }
}
