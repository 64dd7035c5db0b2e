package io.github.connectoid

import io.github.connectoid.ffi.uniffiForeignFutureHandleCount
import java.io.File
import kotlin.coroutines.Continuation
import kotlin.coroutines.EmptyCoroutineContext
import kotlin.coroutines.startCoroutine
import kotlin.time.Duration.Companion.milliseconds
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.completeWith
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.launch
import kotlinx.coroutines.withTimeout
import kotlinx.coroutines.withTimeoutOrNull
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
    fun `an opening that is given up at any moment leaves the folder free`(@TempDir folder: File) =
        story { service ->
            for (time in 0..40 step 2) {
                // Cancelled while it is opened, or not at all: closing cannot be.
                withTimeoutOrNull(time.milliseconds) { Node.open(settings(service, folder)).close() }
                Node.open(settings(service, folder)).close()
            }
        }

    @Test
    fun `code without a dispatcher does not run on the library's threads`() = story { service ->
        for (context in listOf(EmptyCoroutineContext, Dispatchers.Unconfined)) {
            val threads = CompletableDeferred<List<String>>()
            val code: suspend () -> List<String> = {
                val node = Node.open(settings(service))
                val seen = listOf(Thread.currentThread().name, node.createGroup("g").let { Thread.currentThread().name })
                // On a thread of the library's, this would wait for itself.
                node.close()
                seen
            }
            code.startCoroutine(Continuation(context) { threads.completeWith(it) })
            val seen = withTimeout(PATIENCE) { threads.await() }
            assertTrue(seen.none { it.startsWith("connectoid") }, "$seen")
        }
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
