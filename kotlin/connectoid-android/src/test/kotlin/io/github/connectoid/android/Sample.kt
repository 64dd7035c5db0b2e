package example

import android.app.Application
import io.github.connectoid.Node
import io.github.connectoid.Settings
import io.github.connectoid.android.AndroidKeyStore
import io.github.connectoid.android.AppStateWatcher
import io.github.connectoid.android.NetworkWatcher
import io.github.connectoid.android.SyncJobService
import java.io.File
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async

class App : Application() {
    val node = CoroutineScope(Dispatchers.Default).async(start = CoroutineStart.LAZY) {
        val settings = Settings(File(filesDir, "connectoid"), services = listOf("https://mailbox.example"))
        val node = Node.open(settings, AndroidKeyStore(this@App))
        AppStateWatcher(this@App, node)
        NetworkWatcher(this@App, node)
        node
    }
}

class SyncJob : SyncJobService() {
    override suspend fun node() = (application as App).node.await()
}
