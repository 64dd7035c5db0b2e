package io.github.connectoid

import com.sun.jna.Library
import com.sun.jna.Native
import com.sun.jna.Structure
import io.github.connectoid.ffi.Node as FfiNode
import java.io.File
import java.nio.file.Files
import java.nio.file.Path
import kotlin.time.Duration.Companion.milliseconds
import kotlinx.coroutines.async
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.launch
import kotlinx.coroutines.withTimeout
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.put
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertInstanceOf
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.condition.EnabledOnOs
import org.junit.jupiter.api.condition.OS
import org.junit.jupiter.api.io.TempDir

class LifecycleTest {
    @Test
    fun `a service that is down is told, and waited for`() = story {
        val (alice, bob) = List(2) { node(NOBODY) }
        val link = alice.share("bob", "g").link
        alice.put("g", "c", "r") { put("x", 1) }
        val problem = bob.expect<EventKind.ServiceProblem> { bob.openLink(link, "alice") }
        assertInstanceOf(ConnectoidException.ServiceUnreachable::class.java, problem.problem)
        assertEquals(Blame.SERVICE, problem.problem.blame)
        assertEquals(listOf(PairState.INVITED, PairState.OPENING), listOf(alice, bob).map { it.peers().single().state })
        listOf(alice, bob).forEach { it.close() }
    }

    @Test
    fun `a closed node says so, and its folder is free`(@TempDir folder: File) = story { service ->
        val node = Node.open(settings(service, folder))
        fails<ConnectoidException.StorageUnavailable> { Node.open(settings(service, folder)) }
        node.close()
        node.close()
        fails<ConnectoidException.Closed> { node.peers() }
        fails<ConnectoidException.Closed> { node.record("g", "c", "r") }
        Node.open(settings(service, folder)).close()
    }

    @Test
    fun `what is closed during a sync goes on later`(@TempDir folder: File) = story { service ->
        val alice = node(service)
        val bob = Node.open(settings(service, folder))
        pair(alice, bob)
        val writes = List(1000) { Write.Put("c", "%04d".format(it), buildJsonObject { put("x", "y".repeat(100)) }) }
        coroutineScope {
            val asking = async { runCatching { while (true) bob.list("g", "c", limit = 10) } }
            bob.expect<EventKind.Changed> { launch { writes.chunked(100).forEach { alice.commit("g", it) } } }
            bob.shutdown()
            assertInstanceOf(ConnectoidException.Closed::class.java, asking.await().exceptionOrNull())
        }
        Node.open(settings(service, folder)).use { again ->
            again.observe("g", "c").first { it.size == writes.size }
        }
        alice.close()
    }

    @Test
    fun `a node that was called wrongly ends when it is let go`(@TempDir folder: File) = story { service ->
        val ffi = FfiNode.open(settings(service, folder).toFfi(), null)
        fails<ConnectoidException.Usage> { call { ffi.put("g", "c", "\uDE00", "{}") } }
        ffi.close()
        withTimeout(PATIENCE) {
            // Nobody tells when the last thread of a node has ended.
            while (runCatching { Node.open(settings(service, folder)).close() }.isFailure) delay(20.milliseconds)
        }
    }

    @Test
    fun `threads of the library keep no program alive, and end with their node`() = story { service ->
        val threads = { Thread.getAllStackTraces().keys.filter { it.name == "connectoid" } }
        val others = threads()
        val node = node(service)
        node.expect<EventKind.Changed> {
            node.createGroup("g")
            node.put("g", "c", "r") { put("x", 1) }
        }
        val own = threads() - others.toSet()
        assertTrue(own.isNotEmpty() && own.all { it.isDaemon })
        node.close()
        own.forEach { it.join(60_000) }
        assertTrue(own.none { it.isAlive })
    }

    /** 1,000 nodes; a node that stayed would keep three threads, some files and hundreds of kilobytes. */
    @Test
    @EnabledOnOs(OS.LINUX)
    fun `a thousand nodes leave nothing behind`() = story { service ->
        suspend fun openAndClose(times: Int) = repeat(times) {
            node(service).use { node ->
                node.createGroup("g")
                node.put("g", "c", "r") { put("x", it) }
                node.observe("g", "c").first { it.isNotEmpty() }
            }
        }
        openAndClose(100)
        val before = Footprint.settled()
        openAndClose(900)
        before.hasNotGrown()
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    fun `a hundred thousand events leave nothing behind`(@TempDir folder: File) = story { service ->
        // The store fills its cache before. What is kept of the records does not count: it is in the folder.
        val (before, count) = 50_000 to 100_000
        Node.open(settings(service, folder)).use { node ->
            node.createGroup("g")
            var heard = 0L
            val listening = launch { node.events.collect { heard = it.sequence } }
            suspend fun cause(events: Int) = repeat(events / BATCH) { batch ->
                coroutineScope { repeat(BATCH) { launch { node.put("g", "c", "$it") { put("x", batch) } } } }
            }
            cause(before)
            val footprint = Footprint.settled()
            cause(count)
            footprint.hasNotGrown()
            withTimeout(PATIENCE) { while (heard < before + count) delay(1) }
            listening.cancel()
        }
    }

    /** Some are given up before they have begun, some while the result is being made, some after. */
    @Test
    @EnabledOnOs(OS.LINUX)
    fun `reads that are given up leave nothing behind`() = story { service ->
        node(service).use { node ->
            node.createGroup("g")
            val writes = List(1000) { Write.Put("c", "$it", buildJsonObject { put("x", "y".repeat(1000)) }) }
            writes.chunked(100).forEach { node.commit("g", it) }
            suspend fun giveUp(times: Int) = repeat(times) {
                coroutineScope {
                    val reading = launch { node.list("g", "c", limit = 1000) }
                    delay((it % 8).milliseconds)
                    reading.cancel()
                }
            }
            giveUp(40)
            val before = Footprint.settled()
            giveUp(200)
            before.hasNotGrown()
        }
    }

    private companion object {
        /** Writes that wait at the same time: few enough for the queue of events to hold what they cause. */
        const val BATCH = 100
    }
}

/** C's library, of which this asks how much memory it has handed out. */
internal interface Allocator : Library {
    fun mallinfo2(): Mallinfo2

    /** As in `malloc.h`: all in bytes, but for the numbers of things. */
    @Structure.FieldOrder(
        "arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost",
    )
    class Mallinfo2 : Structure(), Structure.ByValue {
        @JvmField var arena = 0L
        @JvmField var ordblks = 0L
        @JvmField var smblks = 0L
        @JvmField var hblks = 0L
        @JvmField var hblkhd = 0L
        @JvmField var usmblks = 0L
        @JvmField var fsmblks = 0L
        @JvmField var uordblks = 0L
        @JvmField var fordblks = 0L
        @JvmField var keepcost = 0L
    }

    companion object : Allocator by Native.load("c", Allocator::class.java)
}

/**
 * What this process takes of the machine. The memory, in KiB, is what C's allocator has handed out: all of the library's,
 * and of Java's what is not in its heap.
 */
private data class Footprint(val files: Int, val threads: Int, val memory: Long, val heap: Long) {
    suspend fun hasNotGrown() {
        val now = settled(atMost = this)
        assertTrue(now.files <= files + SLACK, "files: $this before, $now now: ${kinds()}")
        assertTrue(now.threads <= threads + SLACK, "threads: $this before, $now now")
        assertTrue(now.memory <= memory + SLACK_KIB, "memory: $this before, $now now")
        assertTrue(now.heap <= heap + SLACK_HEAP_KIB, "heap: $this before, $now now")
        println("footprint: $this before, $now now")
    }

    companion object {
        /** Threads of Java's own come and go. */
        private const val SLACK = 8

        /** What Java compiles. */
        private const val SLACK_KIB = 4 shl 10

        /** 42 bytes for each of the 100,000 events that are measured. */
        private const val SLACK_HEAP_KIB = 4 shl 10

        /** Nobody tells when the last thread of a node has ended, so this looks a few times. */
        suspend fun settled(atMost: Footprint? = null): Footprint {
            var now = read()
            repeat(100) {
                if (atMost != null && now.threads <= atMost.threads + SLACK && now.memory <= atMost.memory + SLACK_KIB &&
                    now.heap <= atMost.heap + SLACK_HEAP_KIB
                ) {
                    return now
                }
                delay(20)
                now = read()
            }
            return now
        }

        /** What is open, by kind: sockets, pipes, paths. */
        private fun kinds() = File("/proc/self/fd").list().orEmpty()
            .mapNotNull { runCatching { Files.readSymbolicLink(Path.of("/proc/self/fd", it)).toString() }.getOrNull() }
            .groupingBy { it.replace(Regex("[0-9]+"), "N") }.eachCount().filterValues { it > SLACK }

        private fun read(): Footprint {
            System.gc()
            return Footprint(
                files = File("/proc/self/fd").list().orEmpty().size,
                threads = File("/proc/self/task").list().orEmpty().size,
                memory = Allocator.mallinfo2().let { it.uordblks + it.hblkhd } shr 10,
                heap = Runtime.getRuntime().let { it.totalMemory() - it.freeMemory() } shr 10,
            )
        }
    }
}
