package io.github.connectoid

import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonNull
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.int
import kotlinx.serialization.json.jsonPrimitive
import kotlinx.serialization.json.put
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Test

class RecordsTest {
    @Test
    fun `unicode and large values arrive as they are`() = storyOfTwo { alice, bob ->
        val text = "e\u0301 ü 你好 שלום 👩‍👩‍👧 \u0000 \u2028 \uD83D\uDE00 \" \\ \n"
        val large = "ä".repeat(100_000)
        val bytes = ByteArray(1000) { it.toByte() }
        alice.put("g", "c", "ключ 🔑") {
            put(text, text)
            put("large", large)
            putBytes("bytes", bytes)
            put("nothing", JsonNull)
            put("list", JsonArray(listOf(JsonPrimitive(1), JsonPrimitive(1.5), JsonPrimitive(true))))
        }
        val record = bob.eventually { bob.record("g", "c", "ключ 🔑") }
        assertEquals(text, record[text]?.jsonPrimitive?.content)
        assertEquals(large, record["large"]?.jsonPrimitive?.content)
        assertArrayEquals(bytes, record["bytes"]?.bytesOrNull)
        assertNull(record["large"]?.bytesOrNull)
        assertEquals(JsonNull, record["nothing"])
        assertEquals("[1,1.5,true]", record["list"].toString())
        assertNull(bob.record("g", "c", "ключ"))
    }

    @Test
    fun `several writes are one, or none`() = alone { node ->
        val put = Write.Put("c", "a", buildJsonObject { put("x", 1) })
        node.commit("g", listOf(put, put.copy(id = "b")))
        node.commit("g", listOf(put.copy(id = "b"), Write.Delete("c", "a")))
        assertEquals(listOf("b"), node.list("g", "c").map { it.id })
        val tooGreat = put.copy(fields = buildJsonObject { put("x", 1L shl 53) })
        fails<ConnectoidException.Usage> { node.commit("g", listOf(put.copy(id = "c"), tooGreat)) }
        assertEquals(listOf("b"), node.list("g", "c").map { it.id })
        fails<ConnectoidException.Usage> { node.commit("g", List(1001) { put }) }
        fails<ConnectoidException.Usage> { node.put("g", "c", "a") { put("x", "y".repeat(2 shl 20)) } }
        fails<ConnectoidException.Usage> { node.put("g", "x".repeat(5000), "a") { put("x", 1) } }
    }

    @Test
    fun `text that is none is refused`() = alone { node ->
        fails<ConnectoidException.Usage> { node.put("g", "c", "r") { put("x", "a\uD83Db") } }
        fails<ConnectoidException.Usage> { node.put("g", "c", "\uDE00") { put("x", 1) } }
        fails<ConnectoidException.Usage> { node.commit("g", listOf(Write.Delete("c", "\uD83D"))) }
    }

    @Test
    fun `a number that is none is refused, and says nothing of what is beside it`() = alone { node ->
        val failure = fails<ConnectoidException.Usage> {
            node.put("g", "c", "r") { put("diary", "secret"); put("x", Double.NaN) }
        }
        assertFalse("secret" in "${failure.message} ${failure.debug} ${failure.stackTraceToString()}")
    }

    @Test
    fun `what is no bytes is not read as such`() {
        for (wrong in listOf(JsonPrimitive("no base64"), JsonPrimitive(1234), JsonNull)) {
            assertNull(JsonObject(mapOf("\$bytes" to wrong)).bytesOrNull)
        }
        assertNull(JsonObject(mapOf("\$bytes" to JsonPrimitive("AQID"), "x" to JsonNull)).bytesOrNull)
        assertArrayEquals(byteArrayOf(1, 2, 3), JsonObject(mapOf("\$bytes" to JsonPrimitive("AQID"))).bytesOrNull)
    }

    @Test
    fun `what nests too deep is refused`() = alone { node ->
        for (depth in listOf(20, 200, 100_000)) {
            var value: JsonElement = JsonPrimitive(1)
            repeat(depth) { value = JsonArray(listOf(value)) }
            fails<ConnectoidException.Usage> { node.put("g", "c", "r", JsonObject(mapOf("x" to value))) }
        }
    }

    @Test
    fun `a list comes in pages, in the order of its ids`() = alone { node ->
        // By code points the emoji is last; by UTF-16 units the private character were.
        val ids = listOf("a", "b", "\uE000", "😀")
        for (id in ids.reversed()) node.put("g", "c", id) { put("n", ids.indexOf(id)) }
        assertEquals(ids, node.list("g", "c").map { it.id })
        assertEquals(ids, ids.shuffled().sortedWith(ByCodePoint))
        assertEquals(ids.drop(1).take(2), node.list("g", "c", after = "a", limit = 2).map { it.id })
        assertEquals(2, node.list("g", "c", after = "b").first()["n"]?.jsonPrimitive?.int)
        fails<ConnectoidException.Usage> { node.list("unknown", "c") }
        assertThrows(ConnectoidException.Usage::class.java) { alone { it.list("g", "c", limit = -1) } }
    }

    @Test
    fun `a deleted record has a history`() = alone { node ->
        node.put("g", "c", "r") { put("x", 1) }
        node.delete("g", "c", "r")
        assertNull(node.record("g", "c", "r"))
        val versions = node.history("g", "c", "r")
        assertEquals(JsonPrimitive(1), versions.single { it.field == "x" }.value)
        assertEquals(true, versions.single { it.field == null }.winning)
    }

    private fun alone(block: suspend (Node) -> Unit) = story { service ->
        node(service).use { node ->
            node.createGroup("g")
            block(node)
        }
    }
}
