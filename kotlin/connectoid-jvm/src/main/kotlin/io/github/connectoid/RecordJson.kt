package io.github.connectoid

import java.time.Instant
import java.time.format.DateTimeFormatter
import java.time.format.DateTimeParseException
import java.util.UUID
import kotlinx.serialization.DeserializationStrategy
import kotlinx.serialization.KSerializer
import kotlinx.serialization.SerializationException
import kotlinx.serialization.SerializationStrategy
import kotlinx.serialization.descriptors.PrimitiveKind
import kotlinx.serialization.descriptors.PrimitiveSerialDescriptor
import kotlinx.serialization.descriptors.SerialDescriptor
import kotlinx.serialization.encoding.Decoder
import kotlinx.serialization.encoding.Encoder
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.serializer

/**
 * How records become classes of the app and classes become records. Fields that a peer's newer version wrote are left
 * out when reading; values that are defaults are written, for peers in other languages do not know them; nulls are not
 * written, and what is not there is null.
 */
public val RecordJson: Json = Json {
    ignoreUnknownKeys = true
    encodeDefaults = true
    explicitNulls = false
}

/**
 * The record as a class of the app: `record.decode<Item>()`.
 *
 * @throws SerializationException if it is none: a peer with another version of the app may have written it
 */
public inline fun <reified T> Record.decode(): T = decode(RecordJson.serializersModule.serializer<T>())

/** As the other [decode], with a serializer. */
public fun <T> Record.decode(deserializer: DeserializationStrategy<T>): T =
    RecordJson.decodeFromString(deserializer, json)

/**
 * The fields that a value of the app has: `fieldsOf(item)`, for a [Write].
 *
 * @throws IllegalArgumentException if it is no JSON object
 */
public inline fun <reified T> fieldsOf(value: T): JsonObject =
    fieldsOf(RecordJson.serializersModule.serializer<T>(), value)

/** As the other [fieldsOf], with a serializer. */
public fun <T> fieldsOf(serializer: SerializationStrategy<T>, value: T): JsonObject {
    val json = RecordJson.encodeToJsonElement(serializer, value)
    return requireNotNull(json as? JsonObject) { "a record's fields are a JSON object" }
}

/**
 * Bytes as records hold them: `@Serializable(with = BytesSerializer::class) val photo: ByteArray`. Without it, they
 * would be a list of numbers.
 */
public object BytesSerializer : KSerializer<ByteArray> {
    override val descriptor: SerialDescriptor =
        SerialDescriptor("io.github.connectoid.Bytes", JsonElement.serializer().descriptor)

    override fun serialize(encoder: Encoder, value: ByteArray): Unit =
        encoder.encodeSerializableValue(JsonElement.serializer(), value.asJson())

    override fun deserialize(decoder: Decoder): ByteArray =
        decoder.decodeSerializableValue(JsonElement.serializer()).bytesOrNull
            ?: throw SerializationException("these are no bytes")
}

/** A moment as all languages read it, text as in RFC 3339: `2026-11-30T18:30:00.250Z`. */
public object InstantSerializer : KSerializer<Instant> {
    override val descriptor: SerialDescriptor =
        PrimitiveSerialDescriptor("io.github.connectoid.Instant", PrimitiveKind.STRING)

    override fun serialize(encoder: Encoder, value: Instant): Unit = encoder.encodeString(value.toString())

    override fun deserialize(decoder: Decoder): Instant = try {
        DateTimeFormatter.ISO_OFFSET_DATE_TIME.parse(decoder.decodeString(), Instant::from)
    } catch (_: DateTimeParseException) {
        throw SerializationException("this is no moment as RFC 3339 writes one")
    }
}

/** A UUID as all languages read it, text in lower case. */
public object UuidSerializer : KSerializer<UUID> {
    override val descriptor: SerialDescriptor =
        PrimitiveSerialDescriptor("io.github.connectoid.Uuid", PrimitiveKind.STRING)

    override fun serialize(encoder: Encoder, value: UUID): Unit = encoder.encodeString(value.toString())

    override fun deserialize(decoder: Decoder): UUID = try {
        UUID.fromString(decoder.decodeString())
    } catch (_: IllegalArgumentException) {
        throw SerializationException("this is no UUID")
    }
}
