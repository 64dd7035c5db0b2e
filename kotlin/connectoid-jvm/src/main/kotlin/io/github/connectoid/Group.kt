package io.github.connectoid

import io.github.connectoid.ffi.Acceptance as FfiAcceptance
import io.github.connectoid.ffi.Group as FfiGroup
import io.github.connectoid.ffi.Member as FfiMember
import io.github.connectoid.ffi.Role as FfiRole

/** What a user may do in a group. */
public enum class Role {
    /** Founded the group: writes, appoints and removes. */
    OWNER,

    /** Reads and writes records. */
    WRITER,

    /** Reads records. */
    READER,
}

/** A group: who shares what. */
public data class Group(
    /** Its id, the same on every device. */
    val id: String,
    /** Its name. */
    val name: String,
    /** How far this device takes it. */
    val acceptance: Acceptance,
    /** About how many bytes it takes on this device. */
    val bytes: Long,
    /** What this user may do in it, as far as it is accepted; null if it is no member any more. */
    val role: Role?,
    /** Who is in it. */
    val members: List<Member>,
)

/** How far a device takes a group that its user is a member of. */
public enum class Acceptance {
    /** The user has not said anything to the invitation yet: who the members are is known there, and nothing else. */
    INVITED,

    /** The user takes part: everything is received. */
    ACCEPTED,

    /** As well, but there is no room for more on the device ([Settings.groupQuota]). */
    FULL,

    /** The user has declined the invitation, or left: nothing is received or given. */
    LEFT,

    /** A way that this version of the package does not know. */
    UNKNOWN,
}

/** A member of a group. */
public data class Member(
    /** The user's id. */
    val user: String,
    /** What the member may do. */
    val role: Role,
    /** What this node calls the user: a peer's nickname, or `me`. */
    val nickname: String?,
)

internal fun Role.toFfi(): FfiRole = when (this) {
    Role.OWNER -> FfiRole.OWNER
    Role.WRITER -> FfiRole.WRITER
    Role.READER -> FfiRole.READER
}

internal fun FfiGroup.toPublic(): Group =
    Group(id, name, acceptance.toPublic(), bytes.toLong(), role?.toPublic(), members.map { it.toPublic() })

internal fun FfiAcceptance.toPublic(): Acceptance = when (this) {
    FfiAcceptance.INVITED -> Acceptance.INVITED
    FfiAcceptance.ACCEPTED -> Acceptance.ACCEPTED
    FfiAcceptance.FULL -> Acceptance.FULL
    FfiAcceptance.LEFT -> Acceptance.LEFT
    FfiAcceptance.UNKNOWN -> Acceptance.UNKNOWN
}

private fun FfiMember.toPublic() = Member(user, role.toPublic(), nickname)

private fun FfiRole.toPublic() = when (this) {
    FfiRole.OWNER -> Role.OWNER
    FfiRole.WRITER -> Role.WRITER
    FfiRole.READER -> Role.READER
}
