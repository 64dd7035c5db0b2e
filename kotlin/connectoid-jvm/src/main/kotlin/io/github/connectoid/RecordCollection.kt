package io.github.connectoid

import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.map
import kotlinx.serialization.KSerializer
import kotlinx.serialization.SerializationException
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonObjectBuilder
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.serializer

/** A group by its name or id, which need not exist yet; made by [Node.group]. */
public class GroupHandle internal constructor(private val node: Node, private val group: String) {
    /** A collection of the group. */
    public fun collection(name: String): RecordCollection = RecordCollection(node, group, name)
}

/** A collection of a group. What its methods do, the methods of [Node] of the same names do. */
public class RecordCollection internal constructor(
    private val node: Node,
    private val group: String,
    private val name: String,
) {
    /** The same, with records as a class of the app, which is `@Serializable`. */
    public inline fun <reified T> typed(): TypedCollection<T> = typed(RecordJson.serializersModule.serializer<T>())

    /** As the other [typed], with a serializer. */
    public fun <T> typed(serializer: KSerializer<T>): TypedCollection<T> = TypedCollection(this, serializer)

    /** As [Node.record]. */
    public suspend fun record(id: String): Record? = node.record(group, name, id)

    /** As [Node.list]. */
    public suspend fun list(after: String? = null, limit: Int = Node.DEFAULT_LIMIT): List<Record> =
        node.list(group, name, after, limit)

    /** As [Node.put]: fields that are not named stay. */
    public suspend fun put(id: String, fields: JsonObject): Unit = node.put(group, name, id, fields)

    /** As the other [put]: `items.put("milk") { put("count", 2) }`. */
    public suspend inline fun put(id: String, fields: JsonObjectBuilder.() -> Unit): Unit =
        put(id, buildJsonObject(fields))

    /** As [Node.replace]: fields that are not named go. */
    public suspend fun replace(id: String, fields: JsonObject): Unit = node.replace(group, name, id, fields)

    /** As [Node.removeFields]. */
    public suspend fun removeFields(id: String, vararg fields: String): Unit =
        node.removeFields(group, name, id, fields.toList())

    /** As [Node.delete]. */
    public suspend fun delete(id: String): Unit = node.delete(group, name, id)

    /** As [Node.history]. */
    public suspend fun history(id: String): List<Version> = node.history(group, name, id)

    /** As [Node.observe]. */
    public fun observe(): Flow<List<Record>> = node.observe(group, name)

    /** As [Node.changes]. */
    public fun changes(): Flow<List<RecordChange>> = node.changes(group, name)
}

/**
 * A collection whose records are of one class of the app, read and written as [RecordJson] says.
 *
 * ```
 * @Serializable data class Item(val count: Int, val note: String? = null)
 *
 * val items = node.group("shopping").collection("items").typed<Item>()
 * items.put("milk", Item(count = 2))
 * items.observe().collect { list -> show(list.mapNotNull { it.valueOrNull }) }
 * ```
 */
public class TypedCollection<T> internal constructor(
    /** The collection without a type. */
    public val untyped: RecordCollection,
    private val serializer: KSerializer<T>,
) {
    /**
     * Reads a record; null if there is none.
     *
     * @throws SerializationException if it is not of this class
     */
    public suspend fun get(id: String): T? = untyped.record(id)?.decode(serializer)

    /** Reads records in the order of their ids. As [Node.list]. */
    public suspend fun list(after: String? = null, limit: Int = Node.DEFAULT_LIMIT): List<TypedRecord<T>> =
        untyped.list(after, limit).map(::typed)

    /**
     * Makes a record exactly this value: what is null in it goes, and fields that this version of the class does not
     * know go too. As [Node.replace].
     *
     * @throws SerializationException if the value cannot be said as JSON
     */
    public suspend fun put(id: String, value: T): Unit = untyped.replace(id, fieldsOf(serializer, value))

    /** Sets the fields that a value has; what is null in it, or that it does not know, stays. As [Node.put]. */
    public suspend fun merge(id: String, value: T): Unit = untyped.put(id, fieldsOf(serializer, value))

    /** As [Node.delete]. */
    public suspend fun delete(id: String): Unit = untyped.delete(id)

    /** As [Node.observe]. A record that is not of the class is among the others, and ends nothing. */
    public fun observe(): Flow<List<TypedRecord<T>>> = untyped.observe().map { records -> records.map(::typed) }

    private fun typed(record: Record): TypedRecord<T> = TypedRecord(
        record,
        try {
            Result.success(record.decode(serializer))
        } catch (mismatch: IllegalArgumentException) {
            // The library's, or that of the app's own class, which refuses what it is made of.
            Result.failure(mismatch)
        },
    )
}

/** A record as a class of the app, or why it is none: a peer with another version of the app may have written it. */
public class TypedRecord<T> internal constructor(
    /** The record as it is. */
    public val record: Record,
    private val decoded: Result<T>,
) {
    /** Its id. */
    public val id: String get() = record.id

    /**
     * The record as the class.
     *
     * @throws SerializationException if it is not of the class
     */
    public val value: T get() = decoded.getOrThrow()

    /** The record as the class; null if it is not of the class. */
    public val valueOrNull: T? get() = decoded.getOrNull()

    /** Why it is not of the class; null if it is. */
    public val problem: Throwable? get() = decoded.exceptionOrNull()
}
