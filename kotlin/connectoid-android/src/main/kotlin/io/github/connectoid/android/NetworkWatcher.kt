package io.github.connectoid.android

import android.content.Context
import android.net.ConnectivityManager
import android.net.Network
import io.github.connectoid.ConnectoidException
import io.github.connectoid.Node
import java.util.logging.Level
import java.util.logging.Logger
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.cancel
import kotlinx.coroutines.launch

/**
 * Tells a node when the device's network has changed (Wi-Fi to mobile, a VPN), so that open connections move over at once
 * instead of waiting for a silence. Make one for each node; close it with the node.
 */
public class NetworkWatcher internal constructor(context: Context, private val changed: suspend () -> Unit) :
    AutoCloseable {
    public constructor(context: Context, node: Node) : this(context, node::networkChanged)

    private val scope = CoroutineScope(Dispatchers.Default)
    private val manager = context.getSystemService(ConnectivityManager::class.java)

    /** The network that the node uses; only the system's thread for callbacks touches it after the start. */
    private var used: Network? = manager.activeNetwork

    private val callback = object : ConnectivityManager.NetworkCallback() {
        override fun onAvailable(network: Network) {
            val before = used
            used = network
            if (before != network) scope.launch { inform(changed) }
        }

        override fun onLost(network: Network) {
            if (used == network) used = null
        }
    }

    init {
        manager.registerDefaultNetworkCallback(callback)
    }

    override fun close() {
        manager.unregisterNetworkCallback(callback)
        scope.cancel()
    }
}

/**
 * The platform tells things also while the app closes its node; then they are of no interest. Nor may another failure,
 * as of a full disk, end the app, which did not ask for anything: it is logged.
 */
internal suspend fun inform(tell: suspend () -> Unit) {
    try {
        tell()
    } catch (_: ConnectoidException.Closed) {
        return
    } catch (failed: ConnectoidException) {
        LOGGER.log(Level.WARNING, "the node could not be told what the platform says", failed)
    }
}

internal val LOGGER: Logger = Logger.getLogger("io.github.connectoid")
