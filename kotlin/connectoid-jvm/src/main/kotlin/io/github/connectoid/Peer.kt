package io.github.connectoid

import io.github.connectoid.ffi.ConnectionState as FfiConnectionState
import io.github.connectoid.ffi.GroupSync as FfiGroupSync
import io.github.connectoid.ffi.PairState as FfiPairState
import io.github.connectoid.ffi.Peer as FfiPeer
import io.github.connectoid.ffi.Side as FfiSide
import io.github.connectoid.ffi.Verified as FfiVerified
import java.time.Instant

/** Somebody this node shares with. */
public data class Peer(
    /** What this user calls the person. */
    val nickname: String,
    /** Who made the link. */
    val side: Side,
    /** How far the pair has come. */
    val state: PairState,
    /** Whether there is a connection. */
    val connection: ConnectionState,
    /** How sure this user can be of who it is. */
    val verified: Verified,
    /** The peer's user id, once it has proven it. */
    val user: String?,
    /** How many others tried to open the link. */
    val alarms: Int,
    /** The last failure, if the last attempt failed. */
    val problem: ConnectoidException?,
    /** How well each shared group is replicated to this peer. */
    val groups: List<GroupSync>,
)

/** How well one group is replicated to one peer. */
public data class GroupSync(
    /** The group's id. */
    val id: String,
    /** Its name. */
    val name: String,
    /** How far the peer's device takes it, as far as it has told. */
    val acceptance: Acceptance,
    /** When the peer last had all that this node has. */
    val lastSyncedAt: Instant?,
    /** How many of this node's changes the peer is not known to have, or holds back because of a wrong clock. */
    val lacks: Long,
    /** How many changes that the peer has brought are held back here, for the same reason. */
    val held: Long,
    /** When the last of those that wait for their time will be taken. */
    val heldUntil: Instant?,
)

/** Who made the link. */
public enum class Side {
    /** This side. */
    CREATOR,

    /** The other side; this one opened it. */
    OPENER,
}

/** How far a pair has come. */
public enum class PairState {
    /** This node made a link that nobody has opened yet. */
    INVITED,

    /** This node opened a link; its creator has not answered yet. */
    OPENING,

    /** Both have met. */
    PAIRED,

    /** The link was refused: used, expired or revoked; or the peer's mailbox is closed. */
    REFUSED,

    /** A state that this version of the package does not know. */
    UNKNOWN,
}

/** Whether there is a connection to a peer. */
public enum class ConnectionState {
    /** None, and none is needed or possible now. */
    RESTING,

    /** One is being made. */
    CONNECTING,

    /** One is open. */
    CONNECTED,

    /** A state that this version of the package does not know. */
    UNKNOWN,
}

/** How sure this user can be of who a peer is. */
public enum class Verified {
    /** As sure as of the messenger that carried the link. */
    LINK,

    /** As of the messenger and of the web host that the link's query was shown to. */
    LINK_QUERY,

    /** This user scanned the link from the peer's own device, in that person's presence. */
    IN_PERSON_QR,

    /** The two people compared emoji. */
    SAS,

    /** A way that this version of the package does not know. */
    UNKNOWN,
}

internal fun FfiPeer.toPublic(): Peer = Peer(
    nickname = nickname,
    side = side.toPublic(),
    state = state.toPublic(),
    connection = connection.toPublic(),
    verified = verified.toPublic(),
    user = user,
    alarms = alarms.toInt(),
    problem = problem?.toPublic(),
    groups = groups.map { it.toPublic() },
)

private fun FfiGroupSync.toPublic() =
    GroupSync(id, name, acceptance.toPublic(), lastSyncedAt, lacks.toLong(), held.toLong(), heldUntil)

private fun FfiSide.toPublic() = when (this) {
    FfiSide.CREATOR -> Side.CREATOR
    FfiSide.OPENER -> Side.OPENER
}

private fun FfiPairState.toPublic() = when (this) {
    FfiPairState.INVITED -> PairState.INVITED
    FfiPairState.OPENING -> PairState.OPENING
    FfiPairState.PAIRED -> PairState.PAIRED
    FfiPairState.REFUSED -> PairState.REFUSED
    FfiPairState.UNKNOWN -> PairState.UNKNOWN
}

private fun FfiConnectionState.toPublic() = when (this) {
    FfiConnectionState.RESTING -> ConnectionState.RESTING
    FfiConnectionState.CONNECTING -> ConnectionState.CONNECTING
    FfiConnectionState.CONNECTED -> ConnectionState.CONNECTED
    FfiConnectionState.UNKNOWN -> ConnectionState.UNKNOWN
}

private fun FfiVerified.toPublic() = when (this) {
    FfiVerified.LINK -> Verified.LINK
    FfiVerified.LINK_QUERY -> Verified.LINK_QUERY
    FfiVerified.IN_PERSON_QR -> Verified.IN_PERSON_QR
    FfiVerified.SAS -> Verified.SAS
    FfiVerified.UNKNOWN -> Verified.UNKNOWN
}
