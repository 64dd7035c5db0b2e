package io.github.connectoid

import io.github.connectoid.ffi.HostException
import io.github.connectoid.ffi.KeyStore as FfiKeyStore
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.DelicateCoroutinesApi
import kotlinx.coroutines.GlobalScope
import kotlinx.coroutines.Job
import kotlinx.coroutines.async
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

    /** Ends what is asked of the key store, now and later. Does not wait for the key store. */
    fun giveUp() {
        givenUp.complete()
    }

    override suspend fun load(): ByteArray? = ask { store.load() }

    override suspend fun save(secret: ByteArray) = ask {
        try {
            store.save(secret)
        } finally {
            secret.fill(0)
        }
    }

    // An Error of the app, not only an Exception, must end the call: the library waits for an answer. And a secret is
    // wiped even if the question is cancelled before it has begun.
    @OptIn(DelicateCoroutinesApi::class)
    @Suppress("TooGenericExceptionCaught")
    private suspend fun <T> ask(question: suspend () -> T): T {
        val asking = GlobalScope.async(start = CoroutineStart.ATOMIC) { question() }
        try {
            return select {
                asking.onAwait { it }
                givenUp.onJoin { throw CancellationException("the node is not opened any more") }
            }
        } catch (cancelled: CancellationException) {
            throw cancelled
        } catch (failed: Throwable) {
            throw HostException.Failed(failed.toString().take(MAX_REASON).asUtf8()).apply { initCause(failed) }
        } finally {
            asking.cancel()
        }
    }

    /** With a question mark for half of a surrogate pair, which cannot be handed over. */
    private fun String.asUtf8(): String = encodeToByteArray().decodeToString()

    private companion object {
        /** Of what a key store throws, so much is told. */
        const val MAX_REASON = 1000
    }
}
