package io.github.connectoid

import io.github.connectoid.ffi.Placement as FfiPlacement
import io.github.connectoid.ffi.SharedLink as FfiSharedLink
import java.time.Instant

/** Where in a link's URL the address stands. */
public enum class Placement {
    /** Behind `#`: no server sees it. */
    FRAGMENT,

    /** Behind `?`: the web host of the link may have logged it. */
    QUERY,
}

/** A link to send to a person. Its text form does not show the link. */
public data class SharedLink(
    /** The link, a secret between sender and receiver. */
    val link: String,
    /** When it stops working. */
    val expires: Instant,
    /** The id of the group that is shared. */
    val group: String,
) {
    override fun toString(): String = "SharedLink(expires=$expires, group=$group)"
}

internal typealias FfiShare = io.github.connectoid.ffi.Share

internal fun Placement.toFfi(): FfiPlacement = when (this) {
    Placement.FRAGMENT -> FfiPlacement.FRAGMENT
    Placement.QUERY -> FfiPlacement.QUERY
}

internal fun FfiSharedLink.toPublic(): SharedLink = SharedLink(link, expires, group)
