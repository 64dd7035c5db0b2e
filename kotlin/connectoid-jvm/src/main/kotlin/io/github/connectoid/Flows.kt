package io.github.connectoid

import io.github.connectoid.ffi.Event as FfiEvent
import io.github.connectoid.ffi.EventListener
import io.github.connectoid.ffi.NodeInterface
import io.github.connectoid.ffi.Observation
import io.github.connectoid.ffi.RecordListener
import io.github.connectoid.ffi.Subscription
import java.util.TreeMap
import java.util.logging.Level
import java.util.logging.Logger
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.channels.SendChannel
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.FlowCollector
import kotlinx.coroutines.flow.conflate
import kotlinx.coroutines.flow.flow

/** The library hands over a batch and waits until it is taken: a slow collector makes it wait, and costs no memory. */
internal fun eventsOf(node: NodeInterface): Flow<Event> = relayed(
    subscribe = { channel -> node.subscribe(EventRelay(channel)) },
    convert = { events -> events.forEach { emit(it.toPublic()) } },
)

internal fun changesOf(node: NodeInterface, group: String, collection: String): Flow<List<RecordChange>> = relayed(
    subscribe = { channel -> node.changes(group, collection, RecordRelay(channel)) },
    convert = { observation ->
        when (observation) {
            is Observation.Records ->
                emit(observation.records.map { RecordChange(it.id, it.record?.toPublic()) })
            Observation.Complete -> emit(emptyList())
            is Observation.Failed -> throw observation.problem.toPublic()
        }
    },
)

/** Whole lists, from single changes. */
internal fun snapshotsOf(changes: Flow<List<RecordChange>>): Flow<List<Record>> = flow {
    val records = TreeMap<String, Record>(ByCodePoint)
    var complete = false
    changes.collect { batch ->
        // That everything was read again is no news.
        val isNews = batch.isNotEmpty() || !complete
        complete = complete || batch.isEmpty()
        for ((id, record) in batch) if (record != null) records[id] = record else records.remove(id)
        if (complete && isNews) emit(records.values.toList())
    }
}.conflate()

internal fun subscribeTo(node: NodeInterface, handler: suspend (Event) -> Unit): AutoCloseable {
    val listener = EventHandler(handler)
    val subscription = call { node.subscribe(listener) }
    listener.subscription = subscription
    return AutoCloseable {
        listener.isClosed = true
        subscription.close()
    }
}

/**
 * A flow of what a listener is given. The subscription exists as soon as the collector has started, and ends with it;
 * the flow ends with the node.
 */
private fun <T, R> relayed(
    subscribe: (SendChannel<T>) -> Subscription,
    convert: suspend FlowCollector<R>.(T) -> Unit,
): Flow<R> = flow {
    val channel = Channel<T>(Channel.RENDEZVOUS)
    val subscription = call { subscribe(channel) }
    try {
        for (item in channel) convert(item)
    } finally {
        subscription.close()
    }
}

private class EventRelay(private val channel: SendChannel<List<FfiEvent>>) : EventListener {
    override suspend fun onEvents(events: List<FfiEvent>) = channel.send(events)

    override suspend fun onClosed() {
        channel.close()
    }
}

private class RecordRelay(private val channel: SendChannel<Observation>) : RecordListener {
    override suspend fun onObservation(observation: Observation) = channel.send(observation)

    override suspend fun onClosed() {
        channel.close()
    }
}

private class EventHandler(private val handler: suspend (Event) -> Unit) : EventListener {
    /** The library holds the listener, and so the listener the subscription: it lasts though nobody keeps it. */
    @Volatile var subscription: Subscription? = null

    /** Events come in batches; of one that is under way, the rest is not told any more. */
    @Volatile var isClosed: Boolean = false

    override suspend fun onEvents(events: List<FfiEvent>) {
        for (event in events) {
            if (isClosed) return
            handle(event.toPublic())
        }
    }

    override suspend fun onClosed() = Unit

    // Whatever an app's handler throws concerns the app alone; it is told, and the next event follows.
    @Suppress("TooGenericExceptionCaught")
    private suspend fun handle(event: Event) = try {
        handler(event)
    } catch (failed: Throwable) {
        // Its own timeout is a failure of the handler; if the subscription is cancelled, nothing follows.
        currentCoroutineContext().ensureActive()
        LOGGER.log(Level.WARNING, "an event handler failed", failed)
    }
}

/** The order in which the library lists ids: that of their UTF-8, which is that of their code points. */
internal object ByCodePoint : Comparator<String> {
    override fun compare(a: String, b: String): Int {
        val different = (0 until minOf(a.length, b.length)).firstOrNull { a[it] != b[it] } ?: return a.length - b.length
        return rank(a[different]) - rank(b[different])
    }

    /** Surrogates stand for code points above all others. */
    private fun rank(char: Char) = if (char.isSurrogate()) char.code + 0x10000 else char.code
}

private val LOGGER: Logger = Logger.getLogger("io.github.connectoid")
