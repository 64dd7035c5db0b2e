package io.github.connectoid.android

import example.App
import android.app.Activity
import android.app.Application
import android.app.job.JobParameters
import android.app.job.JobScheduler
import android.net.ConnectivityManager
import io.github.connectoid.ConnectoidException
import io.github.connectoid.EventKind
import io.github.connectoid.Node
import io.github.connectoid.PATIENCE
import io.github.connectoid.Pace
import io.github.connectoid.Settings
import io.github.connectoid.expect
import io.github.connectoid.storyOfTwo
import java.io.File
import java.util.concurrent.LinkedBlockingQueue
import java.util.concurrent.TimeUnit
import kotlin.time.Duration.Companion.hours
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import kotlinx.coroutines.yield
import kotlinx.serialization.json.put
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNull
import org.junit.Assert.assertSame
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config
import org.robolectric.shadow.api.Shadow
import org.robolectric.shadows.ShadowNetwork

@RunWith(RobolectricTestRunner::class)
@Config(sdk = [29], manifest = Config.NONE, application = App::class)
class AndroidTest {
    private val application: Application = RuntimeEnvironment.getApplication()

    @Test
    fun `the secret is sealed, and backups leave it out`() = runBlocking {
        StandInKeystore.install()
        val secret = ByteArray(32) { it.toByte() }
        assertNull(AndroidKeyStore(application).load())
        AndroidKeyStore(application).save(secret)
        assertArrayEquals(secret, AndroidKeyStore(application).load())
        assertNull("each folder has its own", AndroidKeyStore(application, "other").load())
        val file = application.noBackupFilesDir.listFiles().orEmpty().single()
        assertFalse(file.readBytes().asList().windowed(32).contains(secret.asList()))
        file.writeBytes(file.readBytes().also { it[20] = (it[20] + 1).toByte() })
        assertTrue(runCatching { AndroidKeyStore(application).load() }.isFailure)
        StandInKeystore.keys.clear()
        assertNull("restored on another device", AndroidKeyStore(application).load())
    }

    @Test
    fun `a node keeps its secret there`() = runBlocking {
        StandInKeystore.install()
        val settings = Settings(File(application.filesDir, "connectoid"))
        val user = Node.open(settings, AndroidKeyStore(application)).use { it.userId }
        assertEquals(user, Node.open(settings, AndroidKeyStore(application)).use { it.userId })
        StandInKeystore.keys.clear()
        val failure = runCatching { Node.open(settings, AndroidKeyStore(application)) }.exceptionOrNull()
        assertTrue("$failure", failure is ConnectoidException.WrongKey)
    }

    @Test
    fun `the node learns whether the app is in front`() {
        val told = LinkedBlockingQueue<Pace>()
        val early = Robolectric.buildActivity(Activity::class.java).create().start()
        val watcher = AppStateWatcher(application, Pace.FOREGROUND) { told.put(it) }
        assertEquals(Pace.FOREGROUND, told.next())
        early.stop()
        assertEquals(Pace.BACKGROUND, told.next())
        val activity = Robolectric.buildActivity(Activity::class.java).create().start()
        assertEquals(Pace.FOREGROUND, told.next())
        early.restart()
        activity.stop()
        early.stop()
        assertEquals(Pace.BACKGROUND, told.next())
        assertTrue(told.isEmpty())
        watcher.close()
        activity.start()
        assertTrue(told.isEmpty())
    }

    @Test
    fun `an activity from before the watcher counts when another covers it`() {
        val told = LinkedBlockingQueue<Pace>()
        val early = Robolectric.buildActivity(Activity::class.java).create().start().resume()
        val watcher = AppStateWatcher(application, Pace.BACKGROUND) { told.put(it) }
        assertEquals(Pace.BACKGROUND, told.next())
        early.pause()
        assertEquals(Pace.FOREGROUND, told.next())
        val cover = Robolectric.buildActivity(Activity::class.java).create().start().resume()
        cover.pause()
        early.resume()
        cover.stop()
        early.pause().stop()
        assertEquals(Pace.BACKGROUND, told.next())
        assertTrue("the early one was visible all the time", told.isEmpty())
        watcher.close()
    }

    @Test
    fun `the node learns that the network has changed`() {
        val told = LinkedBlockingQueue<Unit>()
        val manager = application.getSystemService(ConnectivityManager::class.java)
        val watcher = NetworkWatcher(application) { told.put(Unit) }
        val callback = shadowOf(manager).networkCallbacks.single()
        callback.onAvailable(requireNotNull(manager.activeNetwork))
        callback.onAvailable(ShadowNetwork.newInstance(7))
        told.next()
        assertTrue("the first network was no change", told.isEmpty())
        callback.onLost(ShadowNetwork.newInstance(7))
        callback.onAvailable(ShadowNetwork.newInstance(8))
        told.next()
        watcher.close()
        assertTrue(shadowOf(manager).networkCallbacks.isEmpty())
    }

    @Test
    fun `hooks of a closed node do no harm`() = runBlocking {
        val node = Node.open(Settings(folder = null))
        val watchers = listOf(AppStateWatcher(application, node), NetworkWatcher(application, node))
        node.setPace(Pace.BACKGROUND)
        node.close()
        inform { node.setPace(Pace.FOREGROUND) }
        watchers.forEach { it.close() }
    }

    @Test
    fun `a sync in the background says whether everybody has all`() = storyOfTwo { alice, bob ->
        alice.expect<EventKind.Synced> { alice.put("g", "c", "r") { put("x", 1) } }
        assertTrue(alice.syncInBackground(budget = PATIENCE, quiet = 200.milliseconds))
        alice.expect<EventKind.Disconnected> { bob.shutdown() }
        alice.put("g", "c", "r") { put("x", 2) }
        assertFalse(alice.syncInBackground(budget = 100.milliseconds))
        val syncing = async { alice.syncInBackground(budget = PATIENCE, quiet = PATIENCE) }
        yield()
        withTimeout(PATIENCE / 2) { syncing.cancelAndJoin() }
    }

    @Test
    fun `the sample of the readme is this one, and works`() = runBlocking {
        StandInKeystore.install()
        val source = File("src/test/kotlin/io/github/connectoid/android/Sample.kt").readText()
        assertTrue("```kotlin\n${source.substring(source.indexOf("class App"))}```\n" in File("../README.md").readText())
        val app = application as App
        val node = app.node()
        assertSame(node, app.node())
        node.close()
        assertEquals(1, app.noBackupFilesDir.listFiles().orEmpty().size)
    }

    @Test
    fun `a job is scheduled`() {
        SyncJobService.schedule(application, TestJob::class.java, every = 2.hours)
        val scheduler = application.getSystemService(JobScheduler::class.java)
        val job = requireNotNull(scheduler.getPendingJob(SyncJobService.DEFAULT_ID))
        assertEquals(2.hours.inWholeMilliseconds, job.intervalMillis)
        assertEquals(TestJob::class.java.name, job.service.className)
        // Scheduled again, it would be cancelled if it were running.
        SyncJobService.schedule(application, TestJob::class.java, every = 2.hours)
        assertSame(job, scheduler.getPendingJob(SyncJobService.DEFAULT_ID))
        SyncJobService.schedule(application, TestJob::class.java, every = 3.hours)
        val changed = requireNotNull(scheduler.getPendingJob(SyncJobService.DEFAULT_ID))
        assertEquals(3.hours.inWholeMilliseconds, changed.intervalMillis)
    }

    @Test
    fun `a job ends, and one that fails is tried again`() {
        for ((work, isTriedAgain) in listOf<Pair<suspend () -> Unit, Boolean>>(
            suspend { } to false,
            suspend { error("thrown by the app") } to true,
            // Its own timeout is a failure of the app, and cancels nobody.
            suspend { withTimeout(1) { awaitCancellation() } } to true,
        )) {
            val job = Robolectric.setupService(TestJob::class.java)
            job.work = work
            assertTrue(job.onStartJob(parameters()))
            val said = shadowOf(job)
            // The one is said a moment before the other.
            until { said.isJobFinished && said.isRescheduleNeeded == isTriedAgain }
        }
    }

    @Test
    fun `a job that the system stops is cancelled and says nothing more`() {
        val job = Robolectric.setupService(TestJob::class.java)
        val (begun, ended) = LinkedBlockingQueue<Unit>() to LinkedBlockingQueue<Throwable>()
        job.work = {
            begun.put(Unit)
            try {
                awaitCancellation()
            } catch (cancelled: CancellationException) {
                ended.put(cancelled)
                throw cancelled
            }
        }
        job.onStartJob(parameters())
        begun.next()
        assertTrue("the rest comes next time", job.onStopJob(parameters()))
        ended.next()
        assertFalse(shadowOf(job).isJobFinished)
    }

    /** As the system would make them. */
    private fun parameters(): JobParameters =
        Shadow.newInstanceOf(JobParameters::class.java)

    class TestJob : SyncJobService() {
        var work: suspend () -> Unit = {}

        override suspend fun node(): Node = error("the work needs none")

        override suspend fun sync() = work()
    }

    private fun until(isSo: () -> Boolean) {
        val end = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS)
        while (!isSo()) {
            assertTrue("waited in vain", System.nanoTime() < end)
            Thread.onSpinWait()
        }
    }

    private fun <T : Any> LinkedBlockingQueue<T>.next(): T =
        requireNotNull(poll(PATIENCE_SECONDS, TimeUnit.SECONDS)) { "waited in vain" }

    private companion object {
        /** Nothing takes this long unless it hangs. */
        const val PATIENCE_SECONDS = 60L
    }
}
