package io.github.connectoid

import io.github.connectoid.ffi.Node as FfiNode
import io.github.connectoid.ffi.NodeInterface
import kotlin.time.Duration
import kotlin.time.toJavaDuration
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Deferred
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.async
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withContext
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonObjectBuilder
import kotlinx.serialization.json.buildJsonObject

/**
 * A node: this user on this device, with everybody it shares with.
 *
 * ```
 * val alice = Node.open(Settings(File("alice"), services = listOf("https://mailbox.example")))
 * val link = alice.share("bob", "shopping").link       // send it by any messenger
 * alice.put("shopping", "items", "milk") { put("count", 2) }
 * alice.observe("shopping", "items").collect { items -> show(items) }
 * ```
 *
 * All methods may be called from any thread and block none. Cancelling a coroutine that waits for one of them cancels
 * the work itself; a write that was already handed to the store stays written. Methods throw a [ConnectoidException],
 * which says who is at fault and what to do.
 *
 * A node has threads of its own. Close it when it is not needed any more: by [shutdown] from a coroutine, or by [close].
 */
public class Node private constructor(private val ffi: NodeInterface) : AutoCloseable {
    /** This user's id, by which peers know it. */
    public val userId: String = call { ffi.userId() }

    /**
     * What happens, in order, from the moment at which a collector begins. Ends when the node is closed.
     *
     * A collector that is slow delays nobody; if it falls behind by more than about 1,000 events, the oldest are
     * dropped, and it gets [EventKind.Resync]. To miss nothing of what an own call causes, begin to collect before the
     * call, with `launch(start = CoroutineStart.UNDISPATCHED)`.
     */
    public val events: Flow<Event> = eventsOf(ffi)

    /**
     * Calls a handler for what happens from now on, one event at a time, until the subscription is closed. For code
     * without a coroutine scope; [events] is the same as a flow.
     *
     * The handler runs on `Dispatchers.Default`, not on the thread of a user interface, and may call the node. When the
     * subscription is closed, a handler that is at work is cancelled, and no other event follows. What it throws is
     * logged by `java.util.logging` under the name `io.github.connectoid`, and the next event follows.
     */
    public fun subscribe(handler: suspend (Event) -> Unit): AutoCloseable = subscribeTo(ffi, handler)

    /**
     * Makes a link for a person. It works once: whoever opens it second is refused, and this node is warned by
     * [EventKind.LinkOpenedAgain].
     *
     * @param nickname what this user calls the person; unique on this node
     * @param group the name or id of the group to share; made if no group has the name
     * @param role what the person may do there
     * @param expiresIn how long the link works; 24 hours if not given, at most 30 days
     * @param services other services than the node's, for this link
     * @param linkBase another link base than the node's, for this link
     * @param placement where in the URL the address stands
     * @throws ConnectoidException.Usage for a nickname that is taken, or a negative duration
     * @throws ConnectoidException.NotPermitted if the group is another user's
     */
    public suspend fun share(
        nickname: String,
        group: String,
        role: Role = Role.WRITER,
        expiresIn: Duration? = null,
        services: List<String> = emptyList(),
        linkBase: String? = null,
        placement: Placement = Placement.FRAGMENT,
    ): SharedLink = call {
        val lifetime = expiresIn?.toJavaDuration()
        val share = FfiShare(nickname, group, role.toFfi(), lifetime, services, linkBase, placement.toFfi())
        ffi.share(share).toPublic()
    }

    /**
     * Opens a link that a person sent; [text] may have other words around it. Returns when the node has taken note of
     * it; [EventKind.Paired] or [EventKind.OpenRefused] says how it went. Opening the same link again tries again, as
     * long as the two have not met.
     *
     * @throws ConnectoidException.LinkMalformed if there is no link in the text, or a damaged one
     * @throws ConnectoidException.AlreadyShared if the two have met by this link
     * @throws ConnectoidException.LinkOwn if this node made it
     * @throws ConnectoidException.LinkRevoked if it was opened here before, and the share has ended
     * @throws ConnectoidException.Usage for a nickname that is taken
     */
    public suspend fun openLink(text: String, nickname: String): Unit = call { ffi.openLink(text, nickname) }

    /**
     * As [openLink], for a link that was scanned as a QR code from the person's own device, in that person's presence:
     * no messenger could swap it, so the peer counts as [Verified.IN_PERSON_QR].
     */
    public suspend fun openLinkInPerson(text: String, nickname: String): Unit =
        call { ffi.openLinkInPerson(text, nickname) }

    /** Everybody this node shares with, and how well each group is replicated to them. */
    public suspend fun peers(): List<Peer> = call { ffi.peers().map { it.toPublic() } }

    /**
     * Stops sharing with a person: both sides delete the keys, the link is dead, and the person is removed from the
     * groups that this user owns. What the person has already, it keeps.
     *
     * @throws ConnectoidException.Usage for an unknown nickname
     */
    public suspend fun unshare(nickname: String): Unit = call { ffi.unshare(nickname) }

    /**
     * Connects to a person now. Not needed for sync, which connects by itself.
     *
     * @throws ConnectoidException.Usage for an unknown nickname, or one that has not opened its link yet
     */
    public suspend fun connect(nickname: String): Unit = call { ffi.connect(nickname) }

    /** Closes the connection to a person. New data opens it again. */
    public suspend fun disconnect(nickname: String): Unit = call { ffi.disconnect(nickname) }

    /** Starts comparing emoji with a person: [EventKind.Emojis] brings them, on both sides. */
    public suspend fun verify(nickname: String): Unit = call { ffi.verify(nickname) }

    /**
     * Says whether the emoji on both sides were the same.
     *
     * @throws ConnectoidException.Usage if there are none to confirm
     */
    public suspend fun confirmVerify(nickname: String, same: Boolean): Unit =
        call { ffi.confirmVerify(nickname, same) }

    /**
     * Makes a group that nobody else is in yet; returns its id.
     *
     * @throws ConnectoidException.Usage for a name that is taken
     */
    public suspend fun createGroup(name: String): String = call { ffi.createGroup(name) }

    /**
     * Makes a peer a member of a group, or gives it another role there. A link brings the peer into its first group;
     * this is for the others.
     *
     * @throws ConnectoidException.Usage for an unknown nickname or group, or a peer that has not been met yet
     * @throws ConnectoidException.NotPermitted if this user does not own the group
     */
    public suspend fun addMember(nickname: String, group: String, role: Role = Role.WRITER): Unit =
        call { ffi.addMember(nickname, group, role.toFfi()) }

    /**
     * Ends a peer's membership of a group. What the peer has of it, it keeps.
     *
     * @throws ConnectoidException.Usage for an unknown nickname or group
     * @throws ConnectoidException.NotPermitted if this user does not own the group
     */
    public suspend fun removeMember(nickname: String, group: String): Unit =
        call { ffi.removeMember(nickname, group) }

    /**
     * Takes part in a group that a peer has made this user a member of ([EventKind.Invited]), or that was left. What is
     * in it comes when its members are reached.
     *
     * @param group its id; or its name, with the owner's `nickname/` before it if several have that name
     * @throws ConnectoidException.Usage for an unknown group, or a name that several invitations have
     * @throws ConnectoidException.NotPermitted if this user is no member any more
     */
    public suspend fun acceptInvitation(group: String): Unit = call { ffi.acceptInvitation(group) }

    /**
     * Takes no part in a group any more, or declines an invitation. What is here of it stays and can be read; nothing of
     * it is received or given any more. Its members are told, and it can be accepted again.
     *
     * @throws ConnectoidException.Usage for an unknown group
     * @throws ConnectoidException.NotPermitted for its owner
     */
    public suspend fun leaveGroup(group: String): Unit = call { ffi.leaveGroup(group) }

    /**
     * Leaves a group and deletes what is here of it. Only a new link brings it back.
     *
     * @throws ConnectoidException.Usage for an unknown group
     * @throws ConnectoidException.NotPermitted for its owner while it has other members
     */
    public suspend fun forgetGroup(group: String): Unit = call { ffi.forgetGroup(group) }

    /** The groups this user is in, was in, or is invited to. */
    public suspend fun groups(): List<Group> = call { ffi.groups().map { it.toPublic() } }

    /** A handle for a group, by its name or id: `node.group("shopping").collection("items")`. */
    public fun group(name: String): GroupHandle = GroupHandle(this, name)

    /**
     * Sets fields of a record; fields that are not named stay: [replace] makes the record exactly what is given,
     * [removeFields] takes fields away. Durable when this returns.
     *
     * @throws ConnectoidException.Usage if a value cannot be stored, such as an integer of 2^53 or more
     * @throws ConnectoidException.NotPermitted if this user may only read
     */
    public suspend fun put(group: String, collection: String, id: String, fields: JsonObject): Unit =
        call { ffi.put(group, collection, id, fields.asText()) }

    /** As the other [put]: `node.put("shopping", "items", "milk") { put("count", 2) }`. */
    public suspend inline fun put(
        group: String,
        collection: String,
        id: String,
        fields: JsonObjectBuilder.() -> Unit,
    ): Unit = put(group, collection, id, buildJsonObject(fields))

    /**
     * Makes a record exactly this: fields that it shows here and that are not named go. Only what differs is written,
     * so an edit of another field that a peer made meanwhile survives. Durable when this returns.
     *
     * @throws ConnectoidException.Usage if there is no field, or a value cannot be stored
     * @throws ConnectoidException.NotPermitted if this user may only read
     */
    public suspend fun replace(group: String, collection: String, id: String, fields: JsonObject): Unit =
        call { ffi.replace(group, collection, id, fields.asText()) }

    /**
     * Removes fields of a record, whether it has them or not; a record without fields does not exist. Durable when this
     * returns.
     *
     * @throws ConnectoidException.Usage if no field is named
     * @throws ConnectoidException.NotPermitted if this user may only read
     */
    public suspend fun removeFields(group: String, collection: String, id: String, fields: List<String>): Unit =
        call { ffi.removeFields(group, collection, id, fields) }

    /** Deletes a record. Durable when this returns. */
    public suspend fun delete(group: String, collection: String, id: String): Unit =
        call { ffi.delete(group, collection, id) }

    /**
     * Writes several records: all of them or none, here and at every peer. At most 1,000 writes and 256 KiB.
     *
     * @throws ConnectoidException.Usage if it is more, or a value cannot be stored
     * @throws ConnectoidException.NotPermitted if this user may only read
     */
    public suspend fun commit(group: String, writes: List<Write>): Unit =
        call { ffi.commit(group, writes.map { it.toFfi() }) }

    /**
     * Reads a record; null if there is none.
     *
     * @throws ConnectoidException.Usage for an unknown group
     */
    public suspend fun record(group: String, collection: String, id: String): Record? =
        read { ffi.record(group, collection, id)?.toPublic() }

    /**
     * Reads records of a collection in the order of their ids, at most [limit] (up to 10,000), those behind [after].
     *
     * @throws ConnectoidException.Usage for an unknown group, or a negative limit
     */
    public suspend fun list(
        group: String,
        collection: String,
        after: String? = null,
        limit: Int = DEFAULT_LIMIT,
    ): List<Record> = read {
        require(limit >= 0) { "a limit is not negative" }
        ffi.list(group, collection, after, limit.toUInt()).map { it.toPublic() }
    }

    /** Reads all versions of a record that are still kept, the losing ones too, and why they lost. */
    public suspend fun history(group: String, collection: String, id: String): List<Version> =
        call { ffi.history(group, collection, id).map { it.toPublic() } }

    /**
     * The records of a collection in the order of their ids, now and again whenever they have changed: what a list on
     * the screen shows. A collector that is slow gets the latest. Empty as long as there is no such group. Ends when
     * the node is closed; throws if the storage fails.
     */
    public fun observe(group: String, collection: String): Flow<List<Record>> =
        snapshotsOf(changes(group, collection))

    /**
     * Follows a collection record by record: first all that there are, in several lists; then an empty list, which says
     * that this was all; then what changes, as it is by then: a collector that is behind is not told the versions in
     * between, and after everything had to be read again, an empty list comes again. For collections that are too
     * large to hold; [observe] is simpler.
     */
    public fun changes(group: String, collection: String): Flow<List<RecordChange>> =
        changesOf(ffi, group, collection)

    /**
     * Sends a message to a person's app, of at most 256 KiB. Returns when that app has it; cancelling takes the message
     * back if it was not sent yet. Messages are not kept over a restart: what must not be lost belongs into a record.
     *
     * @throws ConnectoidException.PeerSilent if the connection broke before the message was confirmed
     * @throws ConnectoidException.Unanswered if the app there did not take it, as nobody was listening for events or too
     *   slowly, or if 64 messages wait for the peer already: send it again later
     */
    public suspend fun send(nickname: String, data: ByteArray): Unit = call { ffi.send(nickname, data) }

    /** Finds out why connections do not come about: to one person, or to everybody. */
    public suspend fun diagnose(nickname: String? = null): Diagnosis = call { ffi.diagnose(nickname).toPublic() }

    /** The app came to the foreground or went to the background. */
    public suspend fun setPace(pace: Pace): Unit = call { ffi.setPace(pace.toFfi()) }

    /** The network has changed: open connections move to the new one. */
    public suspend fun networkChanged(): Unit = call { ffi.networkChanged() }

    /** Looks into the mailboxes now, and connects to everybody who lacks something. */
    public suspend fun syncNow(): Unit = call { ffi.syncNow() }

    /**
     * Closes the node: connections are closed, flows end, the data folder is free for another node. Every later call
     * fails with [ConnectoidException.Closed]. Closing again does nothing. Is carried out even if the caller is
     * cancelled: half closed is no state to be in.
     */
    public suspend fun shutdown(): Unit = withContext(NonCancellable + Dispatchers.IO) { call { ffi.shutDown() } }

    /** As [shutdown], but blocks the thread until it is done, for seconds at worst: nothing for a user interface's. */
    override fun close(): Unit = runBlocking { shutdown() }

    public companion object {
        internal const val DEFAULT_LIMIT = 1000

        /**
         * Opens the node of a data folder, or makes one. When it is cancelled, the folder is free once this has ended.
         *
         * @param keyStore where the master secret is kept; if not given, in a file in the data folder, under
         *   [Settings.passphrase] if there is one
         * @throws ConnectoidException.StorageUnavailable if the folder cannot be used, or another node uses it
         * @throws ConnectoidException.StorageCorrupt if it is damaged or of a newer version
         * @throws ConnectoidException.WrongKey for a wrong passphrase or a missing key
         * @throws ConnectoidException.Timeout if the key store did not answer
         * @throws ConnectoidException.Usage for settings that cannot be
         */
        public suspend fun open(settings: Settings, keyStore: KeyStore? = null): Node {
            val asked = keyStore?.let(::KeyStoreAdapter)
            // A passphrase is stretched on the thread that opens. Nobody's child: half open is no state to be in.
            val opening = CoroutineScope(Dispatchers.IO).async { call { FfiNode.open(settings.toFfi(), asked) } }
            try {
                return Node(opening.await())
            } catch (cancelled: CancellationException) {
                asked?.giveUp()
                withContext(NonCancellable) { takeBack(opening) }
                throw cancelled
            }
        }

        /** Nobody gets the node, but it holds its folder. */
        private suspend fun takeBack(opening: Deferred<FfiNode>) {
            val opened = try {
                opening.await()
            } catch (_: ConnectoidException) {
                return
            }
            opened.use { it.shutDown() }
        }
    }
}

/** Reads wait for the disk on the thread that asks. */
private suspend inline fun <T> read(crossinline block: suspend () -> T): T =
    withContext(Dispatchers.IO) { call { block() } }
