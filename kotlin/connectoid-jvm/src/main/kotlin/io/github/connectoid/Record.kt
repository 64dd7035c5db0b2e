package io.github.connectoid

import io.github.connectoid.ffi.Record as FfiRecord
import io.github.connectoid.ffi.Version as FfiVersion
import io.github.connectoid.ffi.Write as FfiWrite
import java.time.Instant
import java.util.Base64
import kotlinx.serialization.SerializationException
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonObjectBuilder
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.jsonObject

/** A record. */
public data class Record(
    /** Its id, unique in its collection. */
    val id: String,
    /** Its fields as JSON text; [decode] makes a class of the app of them. */
    val json: String,
) {
    /** Its fields: `record.fields["count"]?.jsonPrimitive?.int`. Parsed when first asked for. */
    val fields: JsonObject by lazy(LazyThreadSafetyMode.PUBLICATION) { Json.parseToJsonElement(json).jsonObject }

    /** A field; null if there is none. */
    public operator fun get(field: String): JsonElement? = fields[field]
}

/** One record of a collection as it is now. */
public data class RecordChange(
    /** The record's id. */
    val id: String,
    /** The record; null if it was deleted. */
    val record: Record?,
)

/** One write of a [Node.commit]. */
public sealed interface Write {
    /** Sets fields of a record; fields that are not named stay. */
    public data class Put(
        /** The collection. */
        val collection: String,
        /** The record's id. */
        val id: String,
        /** The fields. */
        val fields: JsonObject,
    ) : Write

    /** Makes a record exactly this: fields that are not named go. Only what differs is written. */
    public data class Replace(
        /** The collection. */
        val collection: String,
        /** The record's id. */
        val id: String,
        /** The fields, at least one. */
        val fields: JsonObject,
    ) : Write

    /** Removes fields of a record, whether it has them or not. */
    public data class RemoveFields(
        /** The collection. */
        val collection: String,
        /** The record's id. */
        val id: String,
        /** The names of the fields, at least one. */
        val fields: List<String>,
    ) : Write

    /** Deletes a record. */
    public data class Delete(
        /** The collection. */
        val collection: String,
        /** The record's id. */
        val id: String,
    ) : Write
}

/** One version of one field, or of a record's deletion. */
public data class Version(
    /** The field; null for a deletion. */
    val field: String?,
    /** The value; null for a deletion, where the field was removed, and if it is left out. */
    val value: JsonElement?,
    /** Whether the value is not shown: there are more than 4 MiB of them, and the winning ones come first. */
    val leftOut: Boolean,
    /** Whether this took the field away, or the whole record. */
    val removed: Boolean,
    /** The user who wrote it. */
    val author: String,
    /** What this node calls that user. */
    val nickname: String?,
    /** When it was written, by the writer's clock. */
    val stamp: Instant,
    /** Whether this is what a reader sees. */
    val winning: Boolean,
    /** Why it lost, if it did. */
    val why: String?,
    /** Until when a losing version is kept. */
    val keptUntil: Instant?,
)

/** Puts bytes into a field. */
public fun JsonObjectBuilder.putBytes(field: String, bytes: ByteArray) {
    put(field, bytes.asJson())
}

internal fun ByteArray.asJson(): JsonObject =
    JsonObject(mapOf(BYTES_KEY to JsonPrimitive(TO_TEXT.encodeToString(this))))

/** The bytes that a field holds; null if it holds something else. */
public val JsonElement.bytesOrNull: ByteArray?
    get() {
        val text = (this as? JsonObject)?.takeIf { it.size == 1 }?.get(BYTES_KEY) as? JsonPrimitive
        return try {
            if (text?.isString == true) FROM_TEXT.decode(text.content) else null
        } catch (_: IllegalArgumentException) {
            // An app's own object, which the library would refuse to store.
            null
        }
    }

/** By this key JSON marks bytes. */
private const val BYTES_KEY = "\$bytes"

// Those of the JVM are faster than Kotlin's own.
private val TO_TEXT = Base64.getUrlEncoder().withoutPadding()
private val FROM_TEXT = Base64.getUrlDecoder()

internal fun FfiRecord.toPublic(): Record = Record(id, fields)

internal fun Write.toFfi(): FfiWrite = when (this) {
    is Write.Put -> FfiWrite.Put(collection, id, fields.asText())
    is Write.Replace -> FfiWrite.Replace(collection, id, fields.asText())
    is Write.RemoveFields -> FfiWrite.RemoveFields(collection, id, fields)
    is Write.Delete -> FfiWrite.Delete(collection, id)
}

internal fun FfiVersion.toPublic(): Version = Version(
    field = field,
    value = value?.let(Json::parseToJsonElement),
    leftOut = leftOut,
    removed = removed,
    author = author,
    nickname = nickname,
    stamp = stamp,
    winning = winning,
    why = why,
    keptUntil = keptUntil,
)

/** As JSON text. Its own `toString` writes long texts once for each object that they are in. */
internal fun JsonObject.asText(): String {
    require(nestsWithin(MAX_DEPTH)) { "a record's fields nest too deep" }
    return try {
        Json.encodeToString(JsonObject.serializer(), this)
    } catch (_: SerializationException) {
        // What it says shows what was written, and fields are nobody's business.
        throw IllegalArgumentException("a number among a record's fields is not finite")
    }
}

/** Nothing nests deeper; the library takes less. So the stack suffices for whatever is written. */
private const val MAX_DEPTH = 128

private fun JsonElement.nestsWithin(depth: Int): Boolean = when (this) {
    is JsonPrimitive -> true
    is JsonArray -> depth > 0 && all { it.nestsWithin(depth - 1) }
    is JsonObject -> depth > 0 && values.all { it.nestsWithin(depth - 1) }
}
