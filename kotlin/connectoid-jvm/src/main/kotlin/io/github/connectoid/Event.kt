package io.github.connectoid

import io.github.connectoid.ffi.Event as FfiEvent
import io.github.connectoid.ffi.EventKind as FfiKind
import java.time.Instant

/** Something happened, at a place in the order of all that happened on this node. */
public data class Event(
    /** Counts the node's events from 1; a gap means that some were dropped (see [EventKind.Resync]). */
    val sequence: Long,
    /** When. */
    val at: Instant,
    /** What. */
    val kind: EventKind,
)

/** What happened. */
public sealed interface EventKind {
    /**
     * The first person to open a link did so, and both have met.
     *
     * @property nickname the peer
     */
    public data class Paired(val nickname: String) : EventKind

    /**
     * A connection is open and the peer has proven who it is.
     *
     * @property nickname the peer
     */
    public data class Connected(val nickname: String) : EventKind

    /**
     * A connection is closed; [problem] says why, and is null if there was nothing left to do.
     *
     * @property nickname the peer
     */
    public data class Disconnected(val nickname: String, val problem: ConnectoidException?) : EventKind

    /**
     * A connection could not be made; the node tries again if there is something to say.
     *
     * @property nickname the peer
     * @property problem why
     */
    public data class ConnectFailed(val nickname: String, val problem: ConnectoidException) : EventKind

    /** A link that this node opened is not open to it. */
    public data class OpenRefused(
        /** The peer. */
        val nickname: String,
        /** Why: used, expired, revoked or closed. */
        val problem: ConnectoidException,
        /** When somebody else used it. */
        val usedAt: Instant?,
        /** The fingerprint of the key that used it. */
        val winner: String?,
    ) : EventKind

    /** Alarm: somebody else tried to open a link that was already used. One of the two is a thief. */
    public data class LinkOpenedAgain(
        /** The peer that the link was made for. */
        val nickname: String,
        /** The fingerprint of the key that was first. */
        val winner: String,
        /** The fingerprint of the key that came second. */
        val other: String,
    ) : EventKind

    /**
     * Records have changed, here or at a peer; [records] is empty if there are too many to name.
     *
     * @property group the group's id
     */
    public data class Changed(val group: String, val records: List<RecordKey>) : EventKind

    /**
     * A peer has made this user a member of a group. Nothing of it is received until [Node.acceptInvitation];
     * [Node.leaveGroup] declines.
     *
     * @property group the group's id
     * @property name its name, which its owner chose: another group here may have the same
     * @property nickname its owner, if that is a peer
     */
    public data class Invited(val group: String, val name: String, val nickname: String?) : EventKind

    /**
     * A peer's device has told how far it takes a group.
     *
     * @property nickname the peer
     * @property group the group's id
     * @property acceptance how far
     */
    public data class Acceptance(
        val nickname: String,
        val group: String,
        val acceptance: io.github.connectoid.Acceptance,
    ) : EventKind

    /**
     * The room that a group may take on this device ([Settings.groupQuota]) is four fifths taken, or all of it. Then new
     * records of others are not received, which their devices are told; they come once a fifth of the room is free.
     *
     * @property group the group's id
     * @property bytes about how many bytes it takes
     * @property quota how many it may take
     * @property full whether there is no room left
     */
    public data class GroupRoom(
        val group: String,
        val bytes: Long,
        val quota: Long,
        val full: Boolean,
    ) : EventKind

    /**
     * This user now takes part in a group: its id, its name.
     *
     * @property group the group's id
     * @property name its name
     */
    public data class Joined(val group: String, val name: String) : EventKind

    /**
     * This user is no longer in a group. What it has of it stays.
     *
     * @property group the group's id
     */
    public data class Removed(val group: String) : EventKind

    /**
     * The members of a group have changed.
     *
     * @property group the group's id
     */
    public data class MembersChanged(val group: String) : EventKind

    /**
     * This node and a peer have the same, in this group.
     *
     * @property nickname the peer
     * @property group the group's id
     */
    public data class Synced(val nickname: String, val group: String) : EventKind

    /**
     * A peer's app sent a message. Two are equal only if they are the same.
     *
     * @property nickname the peer
     * @property data the message
     */
    public class Message(public val nickname: String, public val data: ByteArray) : EventKind {
        override fun toString(): String = "Message(nickname=$nickname, ${data.size} bytes)"
    }

    /** Emoji to compare with a peer; then call [Node.confirmVerify]. */
    public data class Emojis(
        /** The peer. */
        val nickname: String,
        /** Their names, which are the same in every language of this SDK. */
        val names: List<String>,
        /** The emoji. */
        val emojis: String,
    ) : EventKind

    /**
     * A peer stopped sharing; its keys are deleted here too.
     *
     * @property nickname the peer
     */
    public data class Unshared(val nickname: String) : EventKind

    /**
     * This node's data folder is an older copy, as a peer shows that knew more of it. What the peer has comes back by
     * itself. Peers that are lost since ([ConnectoidException.PairLost]) need a new link.
     *
     * @property nickname the peer
     */
    public data class Restored(val nickname: String) : EventKind

    /**
     * A mailbox service does not work; others of the same link are tried.
     *
     * @property service the service's URL
     * @property problem why
     */
    public data class ServiceProblem(val service: String, val problem: ConnectoidException) : EventKind

    /**
     * A clock is wrong, or was: this device's, by that of the service, or a peer's, by what this node goes by. A device
     * whose clock is wrong goes by its service's, and makes anew what it had stamped wrongly.
     *
     * @property nickname the peer whose clock it is; null if it is this device's
     * @property ahead how far the clock is ahead, in µs; negative if it is behind
     * @property held how many changes wait because of it
     * @property until when the last of them will be taken
     */
    public data class ClockSkew(
        val nickname: String?,
        val ahead: Long,
        val held: Long,
        val until: Instant?,
    ) : EventKind

    /** Events were dropped, because nobody took them. Read again what is shown. */
    public data object Resync : EventKind

    /** Something that this version of the package does not know. */
    public data object Unknown : EventKind
}

/** Names a record in its group. */
public data class RecordKey(
    /** The collection. */
    val collection: String,
    /** The record's id. */
    val id: String,
)

internal fun FfiEvent.toPublic(): Event = Event(sequence.toLong(), at, kind.toPublic())

private fun FfiKind.toPublic(): EventKind = when (this) {
    is FfiKind.Paired -> EventKind.Paired(nickname)
    is FfiKind.Connected -> EventKind.Connected(nickname)
    is FfiKind.Disconnected -> EventKind.Disconnected(nickname, problem?.toPublic())
    is FfiKind.ConnectFailed -> EventKind.ConnectFailed(nickname, problem.toPublic())
    is FfiKind.OpenRefused -> EventKind.OpenRefused(nickname, problem.toPublic(), usedAt, winner)
    is FfiKind.LinkOpenedAgain -> EventKind.LinkOpenedAgain(nickname, winner, other)
    is FfiKind.Changed -> EventKind.Changed(group, records.map { RecordKey(it.collection, it.id) })
    is FfiKind.Invited -> EventKind.Invited(group, name, nickname)
    is FfiKind.Acceptance -> EventKind.Acceptance(nickname, group, acceptance.toPublic())
    is FfiKind.GroupRoom -> EventKind.GroupRoom(group, bytes.toLong(), quota.toLong(), full)
    is FfiKind.Joined -> EventKind.Joined(group, name)
    is FfiKind.Removed -> EventKind.Removed(group)
    is FfiKind.MembersChanged -> EventKind.MembersChanged(group)
    is FfiKind.Synced -> EventKind.Synced(nickname, group)
    is FfiKind.Message -> EventKind.Message(nickname, data)
    is FfiKind.Emojis -> EventKind.Emojis(nickname, names, emojis)
    is FfiKind.Unshared -> EventKind.Unshared(nickname)
    is FfiKind.Restored -> EventKind.Restored(nickname)
    is FfiKind.ServiceProblem -> EventKind.ServiceProblem(service, problem.toPublic())
    is FfiKind.ClockSkew -> EventKind.ClockSkew(nickname, ahead, held.toLong(), until)
    FfiKind.Resync -> EventKind.Resync
    FfiKind.Unknown -> EventKind.Unknown
}
