package io.github.connectoid

import io.github.connectoid.ffi.HostException
import io.github.connectoid.ffi.KeyStore as FfiKeyStore
import kotlinx.coroutines.CancellationException

/**
 * Keeps the master secret of one data folder, where the platform has a place for secrets. Asked when a node opens, and
 * given two minutes: a person may have to unlock it. If [Node.open] is cancelled, so is the call.
 *
 * What it throws becomes the text of a [ConnectoidException.StorageUnavailable], so it must not contain the secret.
 */
public interface KeyStore {
    /** The secret, 32 bytes; null if none was ever kept. */
    public suspend fun load(): ByteArray?

    /** Keeps a secret; it must be durable when this returns. The array is wiped then: copy what stays. */
    public suspend fun save(secret: ByteArray)
}

internal class KeyStoreAdapter(private val store: KeyStore) : FfiKeyStore {
    override suspend fun load(): ByteArray? = reported { store.load() }

    override suspend fun save(secret: ByteArray) = try {
        reported { store.save(secret) }
    } finally {
        secret.fill(0)
    }

    // An Error of the app, not only an Exception, must end the call: the library waits for an answer.
    @Suppress("TooGenericExceptionCaught")
    private inline fun <T> reported(block: () -> T): T = try {
        block()
    } catch (cancelled: CancellationException) {
        throw cancelled
    } catch (failed: Throwable) {
        throw HostException.Failed(failed.toString()).apply { initCause(failed) }
    }
}
