package io.github.connectoid

import java.io.File
import java.util.concurrent.ConcurrentHashMap
import kotlin.io.encoding.Base64
import kotlin.system.exitProcess
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonObjectBuilder
import kotlinx.serialization.json.addJsonObject
import kotlinx.serialization.json.boolean
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.contentOrNull
import kotlinx.serialization.json.int
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import kotlinx.serialization.json.long
import kotlinx.serialization.json.put
import kotlinx.serialization.json.putJsonArray
import kotlinx.serialization.json.putJsonObject

/** The actor in Kotlin: see `tests/scenarios/README.md`. */
fun main(): Unit = runBlocking {
    val actor = Actor()
    generateSequence(::readLine).forEach { actor.take(Json.parseToJsonElement(it).jsonObject) }
    actor.node?.shutdown()
    exitProcess(0)
}

private class Actor {
    var node: Node? = null
    private val scope = CoroutineScope(SupervisorJob() + Dispatchers.Default)
    private val running = ConcurrentHashMap<Long, Job>()

    suspend fun take(order: JsonObject) {
        val id = order.getValue("id").jsonPrimitive.long
        when {
            "open" in order -> answer(id) { open(order.getValue("open").jsonObject) }
            "call" in order -> start(id, order.getValue("call").jsonObject)
            "cancel" in order -> answer(id) {
                running[order.getValue("cancel").jsonPrimitive.long]?.cancel()
                done()
            }
            "close" in order -> answer(id) { node?.shutdown().let { done() } }
            else -> error("not understood: $order")
        }
    }

    private suspend fun open(settings: JsonObject): JsonObject {
        val opened = Node.open(settings.toSettings())
        node = opened
        scope.launch(start = CoroutineStart.UNDISPATCHED) {
            opened.events.collect { say { put("event", it.kind.toJson()) } }
        }
        return reply("user") { put("id", opened.userId) }
    }

    private fun start(id: Long, call: JsonObject) {
        // A coroutine that is cancelled before it has started would answer nothing.
        val job = scope.launch(start = CoroutineStart.UNDISPATCHED) {
            answer(id) { serve(id, checkNotNull(node) { "the node was never open" }, call) }
        }
        running[id] = job
        job.invokeOnCompletion { running.remove(id) }
    }

    private suspend fun answer(id: Long, action: suspend () -> JsonObject) {
        try {
            val reply = action()
            say { put("id", id); put("reply", reply) }
        } catch (failure: ConnectoidException) {
            say { put("id", id); put("error", failure.toJson()) }
        } catch (_: CancellationException) {
            say { put("id", id); putJsonObject("error") { put("kind", "cancelled") } }
        }
    }

    private suspend fun serve(id: Long, node: Node, call: JsonObject): JsonObject {
        val nickname by lazy { call.text("nickname") }
        val group by lazy { call.text("group") }
        val collection by lazy { call.text("collection") }
        return when (val method = call.text("method")) {
            "share" -> node.share(
                nickname,
                group,
                role = call.textOrNull("role").toRole(),
                expiresIn = call["expires_in"]?.jsonPrimitive?.long?.seconds,
            ).let { reply("link") { put("link", it.link); put("group", it.group) } }
            "open" -> call.text("link").let { link ->
                val inPerson = call["in_person"]?.jsonPrimitive?.boolean == true
                if (inPerson) node.openLinkInPerson(link, nickname) else node.openLink(link, nickname)
                done()
            }
            "peers" -> reply("peers") { array("peers", node.peers()) { put(it) } }
            "unshare" -> done(node.unshare(nickname))
            "connect" -> done(node.connect(nickname))
            "disconnect" -> done(node.disconnect(nickname))
            "verify" -> done(node.verify(nickname))
            "confirm_verify" ->
                done(node.confirmVerify(nickname, call.getValue("same").jsonPrimitive.boolean))
            "create_group" -> reply("group") { put("id", node.createGroup(call.text("name"))) }
            "groups" -> reply("groups") { array("groups", node.groups()) { put(it) } }
            "add_member" -> done(node.addMember(nickname, group, call.textOrNull("role").toRole()))
            "remove_member" -> done(node.removeMember(nickname, group))
            "accept_invitation" -> done(node.acceptInvitation(group))
            "leave_group" -> done(node.leaveGroup(group))
            "forget_group" -> done(node.forgetGroup(group))
            "commit" -> done(node.commit(group, call.getValue("writes").jsonArray.map { it.jsonObject.toWrite() }))
            "get" -> node.record(group, collection, call.text("id"))
                .let { found -> reply("record") { if (found != null) putJsonObject("record") { put(found) } } }
            "list" -> {
                val limit = call["limit"]?.jsonPrimitive?.int ?: 1000
                val records = node.list(group, collection, call.textOrNull("after"), limit)
                reply("records") { array("records", records) { put(it) } }
            }
            "history" -> {
                val versions = node.history(group, collection, call.text("id"))
                reply("history") { array("versions", versions) { put(it) } }
            }
            "send" -> done(node.send(nickname, BASE64.decode(call.text("data"))))
            "doctor" -> {
                val diagnosis = node.diagnose(call.textOrNull("nickname"))
                reply("diagnosis") { array("findings", diagnosis.findings) { put("kind", it.kind) } }
            }
            "set_pace" -> done(node.setPace(Pace.valueOf(call.text("pace").uppercase())))
            "network_changed" -> done(node.networkChanged())
            "sync_now" -> done(node.syncNow())
            "user_id" -> reply("user") { put("id", node.userId) }
            "qr" -> Qr(call.text("link")).use { qr ->
                val scale = call["scale"]?.jsonPrimitive?.int ?: 8
                val image = if (call.textOrNull("format") == "png") qr.png(scale) else qr.svg().toByteArray()
                reply("image") { put("data", BASE64.encode(image)) }
            }
            "changes" -> follow(id, node, group, collection)
            else -> error("not understood: $method")
        }
    }

    private suspend fun follow(id: Long, node: Node, group: String, collection: String): Nothing {
        node.changes(group, collection).collect { changes ->
            say {
                put("id", id)
                putJsonObject("page") {
                    array("records", changes) { change ->
                        put("id", change.id)
                        change.record?.let { putJsonObject("record") { put(it) } }
                    }
                }
            }
        }
        throw CancellationException("the node was closed")
    }
}

private val BASE64 = Base64.UrlSafe.withPadding(Base64.PaddingOption.ABSENT_OPTIONAL)

private fun say(content: JsonObjectBuilder.() -> Unit) {
    val line = buildJsonObject(content).toString()
    synchronized(System.out) {
        println(line)
        System.out.flush()
    }
}

private fun done(nothing: Unit = Unit): JsonObject = nothing.let { reply("done") {} }

private inline fun reply(kind: String, content: JsonObjectBuilder.() -> Unit) = buildJsonObject {
    put("reply", kind)
    content()
}

private fun <T> JsonObjectBuilder.array(name: String, items: List<T>, item: JsonObjectBuilder.(T) -> Unit) {
    putJsonArray(name) { items.forEach { addJsonObject { item(it) } } }
}

private fun JsonObject.text(name: String): String = getValue(name).jsonPrimitive.content

private fun JsonObject.textOrNull(name: String): String? = get(name)?.jsonPrimitive?.contentOrNull

private fun String?.toRole(): Role = this?.let { Role.valueOf(it.uppercase()) } ?: Role.WRITER

private fun JsonObject.toSettings() = Settings(
    folder = (get("storage") as? JsonObject)?.let { File(it.text("folder")) },
    services = get("services")?.jsonArray?.map { it.jsonPrimitive.content }.orEmpty(),
    pollInterval = get("poll_interval")?.jsonPrimitive?.long?.seconds,
    pace = textOrNull("pace")?.let { Pace.valueOf(it.uppercase()) },
    idleTimeout = get("idle_timeout")?.jsonPrimitive?.long?.seconds,
    loopback = get("loopback")?.jsonPrimitive?.boolean ?: false,
    passphrase = textOrNull("passphrase"),
)

private fun JsonObject.toWrite(): Write = when (text("op")) {
    "put" -> Write.Put(text("collection"), text("id"), getValue("fields").jsonObject)
    "replace" -> Write.Replace(text("collection"), text("id"), getValue("fields").jsonObject)
    "remove_fields" -> {
        val fields = getValue("fields").jsonArray.map { it.jsonPrimitive.content }
        Write.RemoveFields(text("collection"), text("id"), fields)
    }
    else -> Write.Delete(text("collection"), text("id"))
}

private fun ConnectoidException.toJson() = buildJsonObject {
    put("kind", kind)
    put("message", message)
}

private fun JsonObjectBuilder.put(peer: Peer) {
    put("nickname", peer.nickname)
    put("state", peer.state.name.lowercase())
    put("connection", peer.connection.name.lowercase())
    put("verified", peer.verified.name.lowercase())
    put("alarms", peer.alarms)
    peer.problem?.let { put("problem", it.toJson()) }
    array("groups", peer.groups) { put("name", it.name); put("lacks", it.lacks) }
}

private fun JsonObjectBuilder.put(group: Group) {
    put("id", group.id)
    put("name", group.name)
    put("acceptance", group.acceptance.name.lowercase())
    put("bytes", group.bytes)
    put("role", group.role?.name?.lowercase())
    array("members", group.members) { put("role", it.role.name.lowercase()); put("nickname", it.nickname) }
}

private fun JsonObjectBuilder.put(record: Record) {
    put("id", record.id)
    put("fields", record.fields)
}

private fun JsonObjectBuilder.put(version: Version) {
    put("field", version.field)
    version.value?.let { value: JsonElement -> put("value", value) }
    put("nickname", version.nickname)
    put("winning", version.winning)
}

private fun EventKind.toJson(): JsonObject = buildJsonObject {
    fun about(name: String, nickname: String, problem: ConnectoidException? = null) {
        put("event", name)
        put("nickname", nickname)
        problem?.let { put("problem", it.toJson()) }
    }
    fun of(name: String, group: String) {
        put("event", name)
        put("group", group)
    }
    when (val kind = this@toJson) {
        is EventKind.Paired -> about("paired", kind.nickname)
        is EventKind.Connected -> about("connected", kind.nickname)
        is EventKind.Disconnected -> about("disconnected", kind.nickname, kind.problem)
        is EventKind.ConnectFailed -> about("connect_failed", kind.nickname, kind.problem)
        is EventKind.OpenRefused -> about("open_refused", kind.nickname, kind.problem)
        is EventKind.LinkOpenedAgain -> about("link_opened_again", kind.nickname)
        is EventKind.Changed -> of("changed", kind.group)
        is EventKind.Invited -> of("invited", kind.group).also { put("name", kind.name); put("nickname", kind.nickname) }
        is EventKind.Acceptance -> about("acceptance", kind.nickname).also {
            put("group", kind.group)
            put("acceptance", kind.acceptance.name.lowercase())
        }
        is EventKind.GroupRoom -> of("group_room", kind.group).also { put("bytes", kind.bytes); put("full", kind.full) }
        is EventKind.Joined -> of("joined", kind.group)
        is EventKind.Removed -> of("removed", kind.group)
        is EventKind.MembersChanged -> of("members_changed", kind.group)
        is EventKind.Synced -> about("synced", kind.nickname).also { put("group", kind.group) }
        is EventKind.Message -> about("message", kind.nickname).also { put("data", BASE64.encode(kind.data)) }
        is EventKind.Emojis -> about("emojis", kind.nickname).also { put("emojis", kind.emojis) }
        is EventKind.Unshared -> about("unshared", kind.nickname)
        is EventKind.Restored -> about("restored", kind.nickname)
        is EventKind.ServiceProblem -> {
            put("event", "service_problem")
            put("problem", kind.problem.toJson())
        }
        is EventKind.ClockSkew -> {
            put("event", "clock_skew")
            kind.nickname?.let { put("nickname", it) }
            put("ahead", kind.ahead)
            put("held", kind.held)
        }
        EventKind.Resync -> put("event", "resync")
        EventKind.Unknown -> put("event", "unknown")
    }
}
