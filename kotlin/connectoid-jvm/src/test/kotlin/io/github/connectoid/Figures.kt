package io.github.connectoid

import io.github.connectoid.ffi.Node as FfiNode
import java.util.Locale
import kotlin.time.Duration
import kotlin.time.DurationUnit
import kotlin.time.measureTime
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.flow.filterIsInstance
import kotlinx.coroutines.flow.map
import kotlinx.coroutines.flow.take
import kotlinx.coroutines.launch
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.put
import org.junit.jupiter.api.Test

/** Measures what crossing between Kotlin and Rust costs. No test: `cargo xtask figures kotlin` runs it. */
class Figures {
    @Test
    fun `calls and callbacks`() = story { service ->
        val ffi = FfiNode.open(settings(service).toFfi(), null)
        each("a call that returns a text", 20_000) { ffi.userId() }
        ffi.shutDown()
        node(service).use { node ->
            node.createGroup("g")
            node.put("g", "c", "r") { put("count", 2); put("name", "milk") }
            each("a call that reads a record", 5_000) { node.record("g", "c", "r") }
            each("a call that the engine answers", 5_000) { node.groups() }
            val heard = Channel<Event>(Channel.UNLIMITED)
            val listening = launch(start = CoroutineStart.UNDISPATCHED) { node.events.collect { heard.send(it) } }
            each("a write", 2_000) { node.put("g", "c", "r") { put("count", 3) } }
            repeat(3_000) { heard.receive() }
            each("a write, and its event", 2_000) { node.put("g", "c", "r") { put("count", 4) }; heard.receive() }
            val many = 20_000
            val time = measureTime {
                repeat(many / 100) { coroutineScope { repeat(100) { launch { node.put("g", "c", "$it") { put("n", 1) } } } } }
                repeat(many) { heard.receive() }
            }
            tell("an event of many, with the write that causes it", time / many)
            listening.cancel()
        }
    }

    @Test
    fun `callbacks alone`() = story { service ->
        node(service).use { node ->
            node.createGroup("g")
            val heard = Channel<Unit>(Channel.UNLIMITED)
            val handles = mutableListOf<AutoCloseable>()
            suspend fun heardBy(listeners: Int): Duration {
                while (handles.size < listeners) handles += node.subscribe { heard.send(Unit) }
                suspend fun writes() = repeat(200) {
                    node.put("g", "c", "r") { put("count", it) }
                    repeat(listeners) { heard.receive() }
                }
                writes()
                return measureTime { writes() } / 200
            }
            val one = heardBy(1)
            tell("a callback: an event told to one more listener", (heardBy(1 + MORE) - one) / MORE)
            handles.forEach { it.close() }
        }
    }

    @Test
    fun `bytes there and back`() = story { service ->
        node(service).use { node ->
            node.createGroup("g")
            val bytes = ByteArray(128 shl 10) { it.toByte() }
            val time = best(of = 30) {
                repeat(8) { node.put("g", "c", "$it") { putBytes("data", bytes) } }
                repeat(8) {
                    check(node.record("g", "c", "$it")?.fields?.get("data")?.bytesOrNull?.size == bytes.size)
                }
            }
            tell("1 MiB of bytes in 8 records, written and read back", time)
        }
    }

    @Test
    fun `a list of 10,000 records`() = story { service ->
        node(service).use { node ->
            node.createGroup("g")
            repeat(10) { page ->
                node.commit("g", List(1000) {
                    Write.Put("c", "%05d".format(page * 1000 + it), buildJsonObject { put("name", "milk $it"); put("count", it) })
                })
            }
            repeat(3) { node.list("g", "c", limit = 10_000).forEach { it.fields } }
            tell("a list of 10,000 records, as they come", best { check(node.list("g", "c", limit = 10_000).size == 10_000) })
            tell("a list of 10,000 records, with all fields", best { node.list("g", "c", limit = 10_000).forEach { it.fields } })
        }
    }

    @Test
    fun `64 MiB as messages`() = storyOfTwo { alice, bob ->
        val message = ByteArray(256 shl 10)
        suspend fun send(count: Int) = coroutineScope {
            val all = launch(start = CoroutineStart.UNDISPATCHED) {
                bob.events.map { it.kind }.filterIsInstance<EventKind.Message>().take(count).collect { }
            }
            repeat(WINDOW) { launch { repeat(count / WINDOW) { alice.send("bob", message) } } }
            all.join()
        }
        send(64)
        val time = measureTime { send(256) }
        println("%-55s %8.0f MB/s".format(Locale.ROOT, "64 MiB as messages of 256 KiB", 67.1 / time.toDouble(DurationUnit.SECONDS)))
    }

    private suspend fun each(what: String, count: Int, work: suspend () -> Unit) {
        repeat(count / 2) { work() }
        tell(what, measureTime { repeat(count) { work() } } / count)
    }

    private suspend fun best(of: Int = 5, work: suspend () -> Unit): Duration = List(of) { measureTime { work() } }.min()

    private fun tell(what: String, time: Duration) =
        println("%-55s %8.1f µs".format(Locale.ROOT, what, time.toDouble(DurationUnit.MICROSECONDS)))

    private companion object {
        /** Messages under way at the same time. */
        const val WINDOW = 8

        /** Listeners beside the first. */
        const val MORE = 50
    }
}
