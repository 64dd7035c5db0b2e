package io.github.connectoid

import java.io.File
import java.util.concurrent.TimeUnit
import kotlin.time.Duration.Companion.hours
import kotlin.time.Duration.Companion.minutes
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.async
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.flow.filterIsInstance
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.map
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import kotlinx.serialization.json.JsonObject

/** Nothing takes this long unless it hangs. */
val PATIENCE = 90.seconds

/** Nor does a whole story, on a busy machine. */
val LONG_PATIENCE = 10.minutes

/** Nobody listens there: port 9 of this machine is closed. */
const val NOBODY = "http://127.0.0.1:9"

/** The real mailbox service, in memory, on a free port of this machine. */
class MailboxService : AutoCloseable {
    private val process: Process = ProcessBuilder(
        System.getProperty("connectoid.service") ?: error("`connectoid.service` names no program"),
        "--listen", "127.0.0.1:0", "--memory", "--log", "off",
        // Tests open a thousand nodes from one address.
        "--requests-per-second", "1000000", "--box-requests-per-second", "1000000", "--questions-per-second", "1000000",
    ).redirectError(ProcessBuilder.Redirect.INHERIT).start()

    val url: String = process.inputStream.bufferedReader().readLine().removePrefix("listening on ")

    override fun close() {
        process.destroy()
        check(process.waitFor(PATIENCE.inWholeSeconds, TimeUnit.SECONDS)) { "the service does not end" }
    }
}

fun settings(service: String, folder: File? = null) = Settings(
    folder = folder,
    services = listOf(service),
    bind = listOf("127.0.0.1"),
    loopback = true,
    idleTimeout = 1.hours,
)

/** A node in memory, reachable over loopback only. */
suspend fun node(service: String): Node = Node.open(settings(service))

/** A story with a service. */
fun story(block: suspend CoroutineScope.(service: String) -> Unit) = runBlocking {
    withTimeout(LONG_PATIENCE) { MailboxService().use { block(it.url) } }
}

/** A story of two nodes that share the group `g`. */
fun storyOfTwo(role: Role = Role.WRITER, block: suspend CoroutineScope.(alice: Node, bob: Node) -> Unit) =
    story { service ->
        node(service).use { alice -> node(service).use { bob -> pair(alice, bob, role); block(alice, bob) } }
    }

/** Alice shares the group `g` with Bob, and Bob opens the link; both have the same when this returns. */
suspend fun pair(alice: Node, bob: Node, role: Role = Role.WRITER) {
    val link = alice.share("bob", "g", role).link
    alice.expect<EventKind.Synced> { bob.expect<EventKind.Synced> { bob.openLink(link, "alice") } }
}

/** Does something and waits for an event that it causes. */
suspend inline fun <reified K : EventKind> Node.expect(crossinline action: suspend () -> Unit): K = coroutineScope {
    val event = async(start = CoroutineStart.UNDISPATCHED) {
        withTimeout(PATIENCE) { events.map { it.kind }.filterIsInstance<K>().first() }
    }
    action()
    event.await()
}

/** Asks again whenever something has happened, until there is an answer. */
suspend fun <T : Any> Node.eventually(ask: suspend () -> T?): T = withTimeout(PATIENCE) {
    coroutineScope {
        val happened = Channel<Unit>(Channel.CONFLATED)
        val listening = launch(start = CoroutineStart.UNDISPATCHED) { events.collect { happened.trySend(Unit) } }
        var answer = ask()
        while (answer == null) {
            happened.receive()
            answer = ask()
        }
        listening.cancel()
        answer
    }
}

/** Waits until a record of the collection `c` in the group `g` has these fields. */
suspend fun Node.shows(id: String, fields: JsonObject) {
    eventually { record("g", "c", id)?.takeIf { it.fields == fields } }
}

/** That a call fails in this way; returns how. */
suspend inline fun <reified E : ConnectoidException> fails(call: suspend () -> Unit): E {
    try {
        call()
    } catch (failure: ConnectoidException) {
        return failure as? E ?: throw AssertionError("it failed otherwise", failure)
    }
    throw AssertionError("it did not fail")
}
