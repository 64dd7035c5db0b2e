package io.github.connectoid

import io.github.connectoid.ffi.HostException
import io.github.connectoid.ffi.KeyStore as FfiKeyStore
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.DelicateCoroutinesApi
import kotlinx.coroutines.GlobalScope
import kotlinx.coroutines.Job
import kotlinx.coroutines.async
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.selects.select

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
    private val givenUp = Job()

    /** Does not wait for what the key store is asked any more, and asks it nothing else. What it keeps, it keeps. */
    fun giveUp() {
        givenUp.complete()
    }

    // Nobody's child: a key store that does not notice that it is not asked any more is not waited for.
    @OptIn(DelicateCoroutinesApi::class)
    override suspend fun load(): ByteArray? = reported {
        val asking = GlobalScope.async { store.load() }
        try {
            select {
                asking.onAwait { it }
                givenUp.onJoin { throw CancellationException(NOT_WANTED) }
            }
        } finally {
            asking.cancel()
        }
    }

    override suspend fun save(secret: ByteArray) = try {
        reported {
            // Half kept, it might come after the secret of whoever opens the folder next.
            if (givenUp.isCompleted) throw CancellationException(NOT_WANTED)
            store.save(secret)
        }
    } finally {
        secret.fill(0)
    }

    // An Error of the app, not only an Exception, must end the call: the library waits for an answer. So must a timeout
    // of its own, which looks like the end of this coroutine.
    @Suppress("TooGenericExceptionCaught")
    private suspend fun <T> reported(question: suspend () -> T): T = try {
        question()
    } catch (failed: Throwable) {
        currentCoroutineContext().ensureActive()
        throw HostException.Failed(failed.toString().take(MAX_REASON).asUtf8()).apply { initCause(failed) }
    }

    /** With a question mark for half of a surrogate pair, which cannot be handed over. */
    private fun String.asUtf8(): String = encodeToByteArray().decodeToString()

    private companion object {
        /** Of what a key store throws, so much is told. */
        const val MAX_REASON = 1000

        const val NOT_WANTED = "the node is not opened any more"
    }
}
