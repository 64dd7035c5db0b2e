package io.github.connectoid

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
    /** What this user may do in it; null if it is no member any more. */
    val role: Role?,
    /** Who is in it. */
    val members: List<Member>,
)

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

internal fun FfiGroup.toPublic(): Group = Group(id, name, role?.toPublic(), members.map { it.toPublic() })

private fun FfiMember.toPublic() = Member(user, role.toPublic(), nickname)

private fun FfiRole.toPublic() = when (this) {
    FfiRole.OWNER -> Role.OWNER
    FfiRole.WRITER -> Role.WRITER
    FfiRole.READER -> Role.READER
}
