package io.github.connectoid

import io.github.connectoid.ffi.uniffiForeignFutureHandleCount
import java.io.File
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.launch
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir

/** Cancelling a job stops the work in Rust: what only the engine can know is looked at. */
class CancellingTest {
    @Test
    fun `messages that are cancelled make room for others`() = storyOfTwo { alice, bob ->
        alice.expect<EventKind.Disconnected> { bob.shutdown() }
        // At most 64 messages wait for a peer; one more fails at once, unless those before are really gone.
        repeat(200) { turn ->
            var refused: Throwable? = null
            val sending = launch(Dispatchers.Default, CoroutineStart.UNDISPATCHED) {
                try {
                    alice.send("bob", ByteArray(1000))
                } catch (failure: ConnectoidException) {
                    refused = failure
                }
            }
            // Every other time, the engine has seen the message before it is cancelled.
            if (turn % 2 == 0) alice.groups()
            sending.cancelAndJoin()
            assertEquals(null, refused, "message $turn")
        }
    }

    @Test
    fun `cancelling the opening of a node cancels the key store and frees the folder`(@TempDir folder: File) =
        story { service ->
            val asked = CompletableDeferred<Unit>()
            val cancelled = CompletableDeferred<Unit>()
            val store = object : KeyStore {
                override suspend fun load(): ByteArray? = try {
                    asked.complete(Unit)
                    awaitCancellation()
                } finally {
                    cancelled.complete(Unit)
                }

                override suspend fun save(secret: ByteArray) = error("nothing was loaded")
            }
            val opening = launch { Node.open(settings(service, folder), store) }
            asked.await()
            opening.cancelAndJoin()
            cancelled.await()
            Node.open(settings(service, folder)).close()
        }

    @Test
    fun `a collector that is cancelled leaves nothing behind`() = story { service ->
        node(service).use { node ->
            node.createGroup("g")
            repeat(50) { node.observe("g", "c").first() }
            val collectors = List(50) { launch(start = CoroutineStart.UNDISPATCHED) { node.events.collect { } } }
            collectors.forEach { it.cancelAndJoin() }
        }
        // Calls of listeners that are still under way, by the library's own count.
        assertTrue(uniffiForeignFutureHandleCount() <= 1)
    }
}
