package io.github.connectoid

import java.time.Instant
import java.util.UUID
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.withTimeout
import kotlin.time.Duration.Companion.seconds
import kotlinx.serialization.SerialName
import kotlinx.serialization.Serializable
import kotlinx.serialization.SerializationException
import kotlinx.serialization.json.JsonNull
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.JsonUnquotedLiteral
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.put
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNotNull
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

class TypedTest {
    @Serializable
    private data class Item(val count: Int, val done: Boolean = false, val note: String? = null)

    @Serializable
    private enum class Kind {
        @SerialName("food")
        FOOD,
    }

    @Serializable
    private class Thing(
        val kind: Kind,
        @Serializable(with = InstantSerializer::class) val made: Instant,
        @Serializable(with = UuidSerializer::class) val key: UUID,
        @Serializable(with = BytesSerializer::class) val photo: ByteArray,
    )

    @Test
    fun `what a value does not have goes, unless it is merged`() = alone { node ->
        val raw = node.group("g").collection("c")
        val items = raw.typed<Item>()
        items.put("milk", Item(2, done = true, note = "oat"))
        items.merge("milk", Item(3, done = false))
        assertEquals(Item(3, done = false, note = "oat"), items.get("milk"))
        items.put("milk", Item(3))
        assertEquals(setOf("count", "done"), raw.record("milk")?.fields?.keys)
        raw.put("milk") { put("note", JsonNull) }
        assertEquals(Item(3), items.get("milk"))
        raw.replace("milk", buildJsonObject { put("count", 4) })
        assertEquals(Item(4), items.get("milk"))
        raw.removeFields("milk", "count", "never")
        assertNull(items.get("milk"))
        items.put("milk", Item(1))
        items.delete("milk")
        assertEquals(emptyList<String>(), items.list().map { it.id })
    }

    @Test
    fun `what a newer peer wrote is read, and what is of another class ends nothing`() = alone { node ->
        val raw = node.group("g").collection("c")
        val items = raw.typed<Item>()
        raw.put("a") { put("count", 1); put("of a newer version", 7) }
        raw.put("b") { put("count", "many") }
        val list = withTimeout(30.seconds) { items.observe().first { it.size == 2 } }
        assertEquals(listOf(Item(1), null), list.map { it.valueOrNull })
        assertNotNull(list[1].problem)
        assertTrue(runCatching { list[1].value }.exceptionOrNull() is SerializationException)
        assertTrue(runCatching { items.get("b") }.exceptionOrNull() is SerializationException)
        assertEquals(list.map { it.valueOrNull }, items.list().map { it.valueOrNull })
    }

    @Test
    fun `moments, names, keys and bytes have one form`() = alone { node ->
        val things = node.group("g").collection("c").typed<Thing>()
        val (made, key) = Pair(Instant.parse("2026-11-30T18:30:00.250Z"), UUID.randomUUID())
        things.put("t", Thing(Kind.FOOD, made, key, byteArrayOf(1, -1)))
        val fields = things.untyped.record("t")!!.fields
        assertEquals(JsonPrimitive("2026-11-30T18:30:00.250Z"), fields["made"])
        assertEquals(JsonPrimitive("food"), fields["kind"])
        assertEquals(JsonPrimitive(key.toString()), fields["key"])
        val thing = things.get("t")!!
        assertEquals(listOf(Kind.FOOD, made, key), listOf(thing.kind, thing.made, thing.key))
        assertArrayEquals(byteArrayOf(1, -1), thing.photo)
        things.untyped.put("t") { put("made", "2026-11-30T19:30:00+01:00") }
        assertEquals(Instant.parse("2026-11-30T18:30:00Z"), things.get("t")!!.made)
        things.untyped.put("t") { put("made", "yesterday") }
        assertTrue(runCatching { things.get("t") }.exceptionOrNull() is SerializationException)
    }

    @OptIn(kotlinx.serialization.ExperimentalSerializationApi::class)
    @Test
    fun `numbers that would be rounded are refused`() = alone { node ->
        for (number in listOf("18446744073709551616", "9007199254740993", "0.10000000000000000001", "1e400", "-0")) {
            val fields = buildJsonObject { put("n", JsonUnquotedLiteral(number)) }
            fails<ConnectoidException.Usage> { node.put("g", "c", "r", fields) }
            fails<ConnectoidException.Usage> { node.replace("g", "c", "r", fields) }
        }
        node.put("g", "c", "r") { put("n", (1L shl 53) - 1); put("m", 1e300) }
        fails<ConnectoidException.Usage> { node.replace("g", "c", "r", buildJsonObject { }) }
        fails<ConnectoidException.Usage> { node.removeFields("g", "c", "r", emptyList()) }
    }

    @Test
    fun `a removed field is a version`() = alone { node ->
        node.put("g", "c", "r") { put("x", JsonNull); put("y", 1) }
        node.removeFields("g", "c", "r", listOf("x"))
        val versions = node.history("g", "c", "r").filter { it.field == "x" }
        assertEquals(listOf(true, false), versions.map { it.removed })
        assertEquals(listOf(null, JsonNull), versions.map { it.value })
    }

    private fun alone(block: suspend (Node) -> Unit) = story { service ->
        node(service).use { node ->
            node.createGroup("g")
            block(node)
        }
    }
}
