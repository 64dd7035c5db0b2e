package io.github.connectoid

import io.github.connectoid.ffi.Blame as FfiBlame
import io.github.connectoid.ffi.ErrorKind as FfiErrorKind
import io.github.connectoid.ffi.Problem as FfiProblem

/**
 * What went wrong. There is one class for each kind, which says what to do; the kinds are the same in every language of
 * this SDK.
 *
 * Nothing in it is secret: no link, key or address. Two with the same kind and message are equal, so that a [Peer] with
 * a problem equals itself when it is read again.
 */
public sealed class ConnectoidException(failure: Failure) : Exception(failure.text, failure.cause) {
    /** The kind's name in every language: `link_used`, … */
    public val kind: String = failure.kind

    /** Who is at fault. */
    public val blame: Blame = failure.blame

    /** For bug reports. */
    public val debug: String = failure.debug

    override fun equals(other: Any?): Boolean =
        other is ConnectoidException && kind == other.kind && message == other.message

    override fun hashCode(): Int = 31 * kind.hashCode() + message.hashCode()

    /** The call itself is wrong: an unknown nickname, a malformed value. Fix the call. */
    public class Usage internal constructor(failure: Failure) : ConnectoidException(failure)

    /** The text is no link, or the link is damaged. Ask for it again. */
    public class LinkMalformed internal constructor(failure: Failure) : ConnectoidException(failure)

    /** The user made the link, which is for somebody else to open. Send it to that person; the message says whom. */
    public class LinkOwn internal constructor(failure: Failure) : ConnectoidException(failure)

    /** The link was opened here before, and the two share already; the message says with whom. Nothing to do. */
    public class AlreadyShared internal constructor(failure: Failure) : ConnectoidException(failure)

    /**
     * Somebody else opened the link first, or the same person on another device or in another app. Else tell its
     * sender; do not trust the messenger that carried it.
     */
    public class LinkUsed internal constructor(failure: Failure) : ConnectoidException(failure)

    /** The link's time has run out. Ask for a new one. */
    public class LinkExpired internal constructor(failure: Failure) : ConnectoidException(failure)

    /** The link was taken back, or what was shared by it has ended. Ask for a new one. */
    public class LinkRevoked internal constructor(failure: Failure) : ConnectoidException(failure)

    /** The link's mailbox was closed, says the service. Ask for a new link. */
    public class LinkClosed internal constructor(failure: Failure) : ConnectoidException(failure)

    /**
     * The peer uses another mailbox than this node knows: one of both was restored from an old copy, or the peer
     * stopped sharing. Unshare the peer and share a new link.
     */
    public class PairLost internal constructor(failure: Failure) : ConnectoidException(failure)

    /**
     * Nobody answered yet: the other side is offline. Nothing to do, the SDK keeps trying. From [Node.send]: too many
     * messages wait already; this one was not taken, send it again later.
     */
    public class Unanswered internal constructor(failure: Failure) : ConnectoidException(failure)

    /** Both sides answered, but no packets get through. Give STUN and TURN servers in [Settings.iceServers]. */
    public class NoRoute internal constructor(failure: Failure) : ConnectoidException(failure)

    /** The peer connected and then said nothing, or the connection was lost. Nothing to do, the SDK tries again. */
    public class PeerSilent internal constructor(failure: Failure) : ConnectoidException(failure)

    /** The peer broke the protocol, or could not prove who it is. If it stays so, ask the person, and share anew. */
    public class PeerMisbehaved internal constructor(failure: Failure) : ConnectoidException(failure)

    /** The peer's version and this one have nothing in common. Update the older app. */
    public class VersionMismatch internal constructor(failure: Failure) : ConnectoidException(failure)

    /** No mailbox service could be reached. Check the network and [Settings.services]; the SDK keeps trying. */
    public class ServiceUnreachable internal constructor(failure: Failure) : ConnectoidException(failure)

    /** The service refuses: a wrong API key, or it is full. Check [Settings.serviceExt], ask the operator. */
    public class ServiceRefused internal constructor(failure: Failure) : ConnectoidException(failure)

    /** The service asks to come back later, which the SDK does. */
    public class ServiceTooOften internal constructor(failure: Failure) : ConnectoidException(failure)

    /** This device's clock and the service's are far apart. Have the user set the clock. */
    public class ClockSkew internal constructor(failure: Failure) : ConnectoidException(failure)

    /**
     * The data folder cannot be used: no room, no permission, or in use by another node; or the key store failed. The
     * message says which. Mend that, and open again.
     */
    public class StorageUnavailable internal constructor(failure: Failure) : ConnectoidException(failure)

    /** The data folder is damaged or incomplete, or written by a newer version. Update the app, or restore a backup. */
    public class StorageCorrupt internal constructor(failure: Failure) : ConnectoidException(failure)

    /**
     * The key that opens the data folder is wrong or missing. Ask for the passphrase again; without the key, the data is
     * lost.
     */
    public class WrongKey internal constructor(failure: Failure) : ConnectoidException(failure)

    /**
     * The user may not do this in this group: write as a reader, or share what is another's. Do not offer it: see
     * [Group.role].
     */
    public class NotPermitted internal constructor(failure: Failure) : ConnectoidException(failure)

    /** The node was closed. Open it again. */
    public class Closed internal constructor(failure: Failure) : ConnectoidException(failure)

    /** The key store did not answer within two minutes. Have the user unlock it, and open again. */
    public class Timeout internal constructor(failure: Failure) : ConnectoidException(failure)

    /** The app took the call back. Coroutines get a `CancellationException` instead. */
    public class Cancelled internal constructor(failure: Failure) : ConnectoidException(failure)

    /** A defect of this SDK. Please report it, with [debug]. */
    public class Internal internal constructor(failure: Failure) : ConnectoidException(failure)

    /** A kind that this version of the package does not know. Update it. */
    public class Unknown internal constructor(failure: Failure) : ConnectoidException(failure)
}

/** Who is at fault. */
public enum class Blame {
    /** The caller. */
    USAGE,

    /** The other side, or the way to it. */
    PEER,

    /** The mailbox service, or the way to it. */
    SERVICE,

    /** This device's storage. */
    STORAGE,

    /** This SDK. */
    INTERNAL,
}

/** What a [ConnectoidException] is made of; only the library makes one. */
public class Failure internal constructor(
    internal val kind: String,
    internal val blame: Blame,
    internal val text: String,
    internal val debug: String,
    internal val cause: Throwable?,
)

internal fun FfiProblem.toPublic(cause: Throwable? = null): ConnectoidException {
    val failure = Failure(kind.name.lowercase(), blame.toPublic(), text, debug, cause)
    return kind.exception(failure)
}

internal fun FfiErrorKind.exception(failure: Failure): ConnectoidException = when (this) {
    FfiErrorKind.USAGE -> ConnectoidException.Usage(failure)
    FfiErrorKind.LINK_MALFORMED -> ConnectoidException.LinkMalformed(failure)
    FfiErrorKind.LINK_OWN -> ConnectoidException.LinkOwn(failure)
    FfiErrorKind.ALREADY_SHARED -> ConnectoidException.AlreadyShared(failure)
    FfiErrorKind.LINK_USED -> ConnectoidException.LinkUsed(failure)
    FfiErrorKind.LINK_EXPIRED -> ConnectoidException.LinkExpired(failure)
    FfiErrorKind.LINK_REVOKED -> ConnectoidException.LinkRevoked(failure)
    FfiErrorKind.LINK_CLOSED -> ConnectoidException.LinkClosed(failure)
    FfiErrorKind.PAIR_LOST -> ConnectoidException.PairLost(failure)
    FfiErrorKind.UNANSWERED -> ConnectoidException.Unanswered(failure)
    FfiErrorKind.NO_ROUTE -> ConnectoidException.NoRoute(failure)
    FfiErrorKind.PEER_SILENT -> ConnectoidException.PeerSilent(failure)
    FfiErrorKind.PEER_MISBEHAVED -> ConnectoidException.PeerMisbehaved(failure)
    FfiErrorKind.VERSION_MISMATCH -> ConnectoidException.VersionMismatch(failure)
    FfiErrorKind.SERVICE_UNREACHABLE -> ConnectoidException.ServiceUnreachable(failure)
    FfiErrorKind.SERVICE_REFUSED -> ConnectoidException.ServiceRefused(failure)
    FfiErrorKind.SERVICE_TOO_OFTEN -> ConnectoidException.ServiceTooOften(failure)
    FfiErrorKind.CLOCK_SKEW -> ConnectoidException.ClockSkew(failure)
    FfiErrorKind.STORAGE_UNAVAILABLE -> ConnectoidException.StorageUnavailable(failure)
    FfiErrorKind.STORAGE_CORRUPT -> ConnectoidException.StorageCorrupt(failure)
    FfiErrorKind.WRONG_KEY -> ConnectoidException.WrongKey(failure)
    FfiErrorKind.NOT_PERMITTED -> ConnectoidException.NotPermitted(failure)
    FfiErrorKind.CLOSED -> ConnectoidException.Closed(failure)
    FfiErrorKind.TIMEOUT -> ConnectoidException.Timeout(failure)
    FfiErrorKind.CANCELLED -> ConnectoidException.Cancelled(failure)
    FfiErrorKind.INTERNAL -> ConnectoidException.Internal(failure)
    FfiErrorKind.UNKNOWN -> ConnectoidException.Unknown(failure)
}

private fun FfiBlame.toPublic(): Blame = when (this) {
    FfiBlame.USAGE -> Blame.USAGE
    FfiBlame.PEER -> Blame.PEER
    FfiBlame.SERVICE -> Blame.SERVICE
    FfiBlame.STORAGE -> Blame.STORAGE
    FfiBlame.INTERNAL -> Blame.INTERNAL
}
