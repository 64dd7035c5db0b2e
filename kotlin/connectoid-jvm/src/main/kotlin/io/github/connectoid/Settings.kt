package io.github.connectoid

import io.github.connectoid.ffi.IceServer as FfiIceServer
import io.github.connectoid.ffi.Pace as FfiPace
import io.github.connectoid.ffi.Settings as FfiSettings
import java.io.File
import kotlin.time.Duration
import kotlin.time.toJavaDuration

/** Everything about a node that an app may decide. Null is what the SDK has by default. */
public data class Settings(
    /**
     * Where the data is kept; one node at a time uses a folder. Null for a node that forgets everything when it is
     * closed.
     */
    val folder: File?,
    /** One to three mailbox services for the boxes of this node, in order of preference. */
    val services: List<String> = emptyList(),
    /** The URL that opens the app, to which links are appended; by default `connectoid://open`. */
    val linkBase: String? = null,
    /** The app's static data for the services, such as an API key. */
    val serviceExt: String? = null,
    /** The pace of looking into the mailboxes in the background, at least a second. */
    val pollInterval: Duration? = null,
    /** Whether the app starts in the foreground, which is the default. */
    val pace: Pace? = null,
    /** How long a connection with nothing to do stays open; by default 30 seconds. */
    val idleTimeout: Duration? = null,
    /** STUN and TURN servers; without any, two nodes meet only within one network. */
    val iceServers: List<IceServer> = emptyList(),
    /** Local IP addresses to connect from; empty for all usable ones. */
    val bind: List<String> = emptyList(),
    /** Whether to offer loopback addresses too, for apps on one machine. */
    val loopback: Boolean = false,
    /** The passphrase of the default key store. */
    val passphrase: String? = null,
    /**
     * Certificates in PEM of authorities that may have signed the certificates of services, beside those that browsers
     * trust: for a service of one's own with an authority of one's own.
     */
    val serviceRoots: String? = null,
    /**
     * About how many bytes each group may take on this device; by default 1 GiB. Near it and at it the app is told
     * ([EventKind.GroupRoom]); beyond it new records of others are not received.
     */
    val groupQuota: Long? = null,
) {
    /** Without passphrase, API key and addresses. */
    override fun toString(): String = "Settings(folder=$folder, services=${services.size})"
}

/** A STUN or TURN server. */
public data class IceServer(
    /** `stun:host[:port]` or `turn:host[:port][?transport=udp]`. */
    val urls: List<String>,
    /** For TURN. */
    val username: String = "",
    /** For TURN: the password. */
    val credential: String = "",
) {
    /** Without addresses and credential. */
    override fun toString(): String = "IceServer(urls=${urls.size})"
}

/** How eagerly a node looks for news. */
public enum class Pace {
    /** In front of its user: latency matters. */
    FOREGROUND,

    /** Out of sight: battery matters. */
    BACKGROUND,
}

internal fun Pace.toFfi(): FfiPace = when (this) {
    Pace.FOREGROUND -> FfiPace.FOREGROUND
    Pace.BACKGROUND -> FfiPace.BACKGROUND
}

internal fun Settings.toFfi(): FfiSettings = FfiSettings(
    folder = folder?.path,
    services = services,
    serviceExt = serviceExt,
    linkBase = linkBase,
    pollInterval = pollInterval?.toJavaDuration(),
    pace = pace?.toFfi(),
    idleTimeout = idleTimeout?.toJavaDuration(),
    iceServers = iceServers.map { FfiIceServer(it.urls, it.username, it.credential) },
    bind = bind,
    loopback = loopback,
    passphrase = passphrase,
    serviceRoots = serviceRoots,
    groupQuota = groupQuota?.let { require(it >= 0) { "groupQuota is negative" }; it.toULong() },
)
