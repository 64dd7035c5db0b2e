import io.github.connectoid.Node
import io.github.connectoid.Settings
import java.io.File
import kotlinx.coroutines.flow.first
import kotlinx.serialization.json.put

suspend fun quickStart(service: String, folder: File): String {
    // Both run here for show, and so `loopback`; really, each is an app on a device of its own.
    val alice = Node.open(Settings(File(folder, "alice"), services = listOf(service), loopback = true))
    val bob = Node.open(Settings(File(folder, "bob"), services = listOf(service), loopback = true))

    // "Who do you share with?" "Bob." Send this link by any messenger; on Bob's device, it opens the app.
    val link = alice.share("bob", group = "shopping").link
    bob.openLink(link, nickname = "alice")

    // Both write, offline or not; both see the same.
    alice.put("shopping", "items", "milk") { put("count", 2) }
    val items = bob.observe("shopping", "items").first { it.isNotEmpty() }

    listOf(alice, bob).forEach { it.shutdown() }
    return items.joinToString { "${it.id}: ${it["count"]}" }
}
