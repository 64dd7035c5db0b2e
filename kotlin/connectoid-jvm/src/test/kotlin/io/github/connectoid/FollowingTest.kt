package io.github.connectoid

import java.lang.ref.WeakReference
import java.util.concurrent.LinkedBlockingQueue
import java.util.concurrent.atomic.AtomicInteger
import java.util.logging.Handler
import java.util.logging.LogRecord
import java.util.logging.Logger
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.map
import kotlinx.coroutines.flow.onEach
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.launch
import kotlinx.coroutines.withTimeout
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.put
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertInstanceOf
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

class FollowingTest {
    @Test
    fun `a list shows what a peer writes and deletes`() = storyOfTwo { alice, bob ->
        val shown = Channel<List<String>>(Channel.UNLIMITED)
        val showing = launch { bob.observe("g", "c").collect { list -> shown.send(list.map { it.id }) } }
        assertEquals(emptyList<String>(), shown.receive())
        alice.put("g", "c", "milk") { put("x", 1) }
        until(shown, listOf("milk"))
        alice.commit("g", listOf("eggs", "tea").map { put(it) })
        until(shown, listOf("eggs", "milk", "tea"))
        alice.delete("g", "c", "milk")
        until(shown, listOf("eggs", "tea"))
        showing.cancel()
    }

    @Test
    fun `a list can be observed before there is its group`() = story { service ->
        val (alice, bob) = List(2) { node(service) }
        alice.createGroup("g")
        alice.put("g", "c", "milk") { put("x", 1) }
        val milk = async(start = CoroutineStart.UNDISPATCHED) { bob.observe("g", "c").first { it.isNotEmpty() } }
        pair(alice, bob)
        assertEquals("milk", milk.await().single().id)
        listOf(alice, bob).forEach { it.close() }
    }

    @Test
    fun `all that there is comes first, then an empty list, then what changes`() = story { service ->
        node(service).use { node ->
            node.createGroup("g")
            repeat(3) { page -> node.commit("g", List(900) { put("%04d".format(page * 900 + it)) }) }
            val changes = Channel<List<RecordChange>>(Channel.RENDEZVOUS)
            val following = launch { node.changes("g", "c").collect { changes.send(it) } }
            val first = mutableListOf<RecordChange>()
            do {
                val page = changes.receive()
                first += page
            } while (page.isNotEmpty())
            assertEquals(2700, first.map { it.id }.distinct().size)
            node.delete("g", "c", "0000")
            assertEquals(listOf(RecordChange("0000", null)), changes.receive())
            following.cancel()
        }
    }

    @Test
    fun `a handler that throws is reported and harms nothing`() = story { service ->
        val reports = LinkedBlockingQueue<LogRecord>()
        val log = object : Handler() {
            override fun publish(record: LogRecord) = reports.put(record)
            override fun flush() = Unit
            override fun close() = Unit
        }
        val logger = Logger.getLogger("io.github.connectoid").apply { addHandler(log); useParentHandlers = false }
        node(service).use { node ->
            node.createGroup("g")
            val third = CompletableDeferred<Event>()
            var count = 0
            val subscription = node.subscribe { event ->
                count += 1
                if (count == 1) error("thrown by the app")
                // Not only exceptions: an assertion is an Error.
                if (count == 2) throw AssertionError("thrown by the app")
                // A handler may call the node.
                node.groups()
                third.complete(event)
            }
            repeat(3) { node.put("g", "c", "r") { put("x", it) } }
            assertInstanceOf(EventKind.Changed::class.java, third.await().kind)
            assertEquals(listOf("thrown by the app", "thrown by the app"), List(2) { reports.take().thrown.message })
            subscription.close()
        }
        logger.removeHandler(log)
        logger.useParentHandlers = true
    }

    @Test
    fun `a handler that runs out of time loses no event`() = story { service ->
        node(service).use { node ->
            node.createGroup("g")
            val (many, heard) = Pair(20, Channel<Event>(Channel.UNLIMITED))
            node.subscribe { event ->
                heard.send(event)
                withTimeout(1) { awaitCancellation() }
            }
            // Several at once, so that they come in one batch.
            coroutineScope { repeat(many) { launch { node.put("g", "c", "$it") { put("x", 1) } } } }
            repeat(many) { heard.receive() }
        }
    }

    @Test
    fun `a subscription that nobody keeps goes on`() = story { service ->
        node(service).use { node ->
            node.createGroup("g")
            val heard = Channel<Event>(Channel.UNLIMITED)
            node.subscribe { heard.send(it) }
            val witness = WeakReference(Any())
            while (witness.get() != null) System.gc()
            // What was found to be garbage is cleared away by another thread.
            repeat(100) { node.put("g", "c", "r") { put("x", it) }; heard.receive() }
        }
    }

    @Test
    fun `a closed subscription is told nothing any more`() = story { service ->
        node(service).use { node ->
            node.createGroup("g")
            val heard = Channel<Event>(Channel.UNLIMITED)
            val subscription = node.subscribe { heard.send(it) }
            node.put("g", "c", "r") { put("x", 1) }
            val before = heard.receive()
            subscription.close()
            subscription.close()
            val after = node.expect<EventKind.Changed> { node.put("g", "c", "r") { put("x", 2) } }
            assertTrue(heard.tryReceive().isFailure, "$before was the last, not $after")
        }
    }

    @Test
    fun `of a batch that is under way, a closed subscription is told nothing more`() = story { service ->
        node(service).use { node ->
            node.createGroup("g")
            val (heard, gate) = Pair(Channel<Event>(Channel.UNLIMITED), CompletableDeferred<Unit>())
            val (subscription, count) = Pair(CompletableDeferred<AutoCloseable>(), AtomicInteger())
            subscription.complete(
                node.subscribe {
                    heard.trySend(it)
                    gate.await()
                    if (count.incrementAndGet() == 2) subscription.getCompleted().close()
                },
            )
            node.put("g", "c", "first") { put("x", 1) }
            heard.receive()
            // These wait, and come as one batch.
            repeat(20) { node.put("g", "c", "$it") { put("x", 1) } }
            gate.complete(Unit)
            heard.receive()
            node.expect<EventKind.Changed> { node.put("g", "c", "after") { put("x", 1) } }
            assertTrue(heard.tryReceive().isFailure, "an event of a closed subscription")
        }
    }

    @Test
    fun `a collector that is too slow is told so`() = story { service ->
        node(service).use { node ->
            node.createGroup("g")
            val gate = CompletableDeferred<Unit>()
            val resync = async(start = CoroutineStart.UNDISPATCHED) {
                node.events.map { gate.await(); it.kind }.first { it == EventKind.Resync }
            }
            // Two batches of 256 are on their way, and 1,024 wait.
            repeat(2000) { node.put("g", "c", "r") { put("x", it) } }
            gate.complete(Unit)
            assertEquals(EventKind.Resync, resync.await())
        }
    }

    @Test
    fun `flows end with their node`() = story { service ->
        val node = node(service)
        node.createGroup("g")
        val begun = CompletableDeferred<Unit>()
        val flows = listOf(node.events, node.observe("g", "c").onEach { begun.complete(Unit) }, node.changes("g", "c"))
        val ends = flows.map { async(start = CoroutineStart.UNDISPATCHED) { it.toList() } }
        node.put("g", "c", "r") { put("x", 1) }
        begun.await()
        node.shutdown()
        ends.forEach { it.await() }
        fails<ConnectoidException.Closed> { node.events.toList() }
    }

    private suspend fun until(shown: Channel<List<String>>, ids: List<String>) {
        while (shown.receive() != ids) Unit
    }

    private fun put(id: String) = Write.Put("c", id, buildJsonObject { put("x", 1) })
}
