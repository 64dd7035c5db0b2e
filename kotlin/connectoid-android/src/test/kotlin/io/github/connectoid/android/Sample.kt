package example

import android.app.Application
import io.github.connectoid.Node
import io.github.connectoid.Settings
import io.github.connectoid.android.AndroidKeyStore
import io.github.connectoid.android.AppStateWatcher
import io.github.connectoid.android.NetworkWatcher
import io.github.connectoid.android.SyncJobService
import java.io.File
import kotlinx.coroutines.sync.Mutex
import kotlinx.coroutines.sync.withLock

class App : Application() {
    private val opening = Mutex()
    private var opened: Node? = null

    suspend fun node(): Node = opening.withLock { opened ?: open().also { opened = it } }

    private suspend fun open(): Node {
        val settings = Settings(File(filesDir, "connectoid"), services = listOf("https://mailbox.example"))
        val node = Node.open(settings, AndroidKeyStore(this))
        AppStateWatcher(this, node)
        NetworkWatcher(this, node)
        return node
    }
}

class SyncJob : SyncJobService() {
    override suspend fun node() = (application as App).node()
}
