package io.github.connectoid.android

import android.app.job.JobInfo
import android.app.job.JobParameters
import android.app.job.JobScheduler
import android.app.job.JobService
import android.content.ComponentName
import android.content.Context
import io.github.connectoid.ConnectoidException
import io.github.connectoid.Node
import io.github.connectoid.PairState
import java.util.concurrent.ConcurrentHashMap
import kotlin.time.Duration
import kotlin.time.Duration.Companion.minutes
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.cancel
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.launch
import kotlinx.coroutines.withTimeoutOrNull

/**
 * Looks for news and brings them in, for a job that the system runs in the background: returns when nothing has happened
 * for [quiet], at the latest after [budget]. The node is open before and after.
 *
 * From WorkManager, call it in a `CoroutineWorker`: `if (node.syncInBackground()) Result.success() else Result.retry()`.
 *
 * @return whether every peer is known to have all that this node has
 */
public suspend fun Node.syncInBackground(budget: Duration = 2.minutes, quiet: Duration = 15.seconds): Boolean {
    withTimeoutOrNull(budget) {
        coroutineScope {
            val happened = Channel<Unit>(Channel.CONFLATED)
            val listening = launch(start = CoroutineStart.UNDISPATCHED) { events.collect { happened.trySend(Unit) } }
            syncNow()
            while (withTimeoutOrNull(quiet) { happened.receive() } != null) Unit
            listening.cancel()
        }
    }
    return peers().filter { it.state == PairState.PAIRED }.all { peer -> peer.groups.all { it.lacks == 0L } }
}

/**
 * A job that syncs in the background, by the system's own scheduler: no library is needed for it. Extend it, say where
 * the node is, declare it in the manifest, and call [schedule] when the app
 * starts:
 *
 * ```
 * <service android:name=".SyncJob" android:permission="android.permission.BIND_JOB_SERVICE" android:exported="false" />
 * ```
 */
public abstract class SyncJobService : JobService() {
    private val scope = CoroutineScope(Dispatchers.Default)
    private val running = ConcurrentHashMap<Int, Job>()

    /** The app's node: the one that is open already, or one that this opens. The app closes it. */
    protected abstract suspend fun node(): Node

    /** The work of one run; returns whether all is done. */
    protected open suspend fun sync(): Boolean = node().syncInBackground()

    final override fun onStartJob(parameters: JobParameters): Boolean {
        running[parameters.jobId] = scope.launch {
            // What fails is tried again when the system sees fit.
            val done = try {
                sync()
            } catch (_: ConnectoidException) {
                false
            }
            running.remove(parameters.jobId)
            jobFinished(parameters, !done)
        }
        return true
    }

    /** The system wants its time back: the rest comes next time. */
    final override fun onStopJob(parameters: JobParameters): Boolean {
        running.remove(parameters.jobId)?.cancel()
        return true
    }

    override fun onDestroy() {
        scope.cancel()
        super.onDestroy()
    }

    public companion object {
        /** The shortest interval that Android keeps to. */
        public val SHORTEST_INTERVAL: Duration = 15.minutes

        /**
         * Has the system run a job again and again, whenever there is a network, until the device is restarted: call it
         * whenever the app starts. Calling it again changes the interval.
         *
         * @param id unique among the app's jobs
         */
        public fun schedule(
            context: Context,
            service: Class<out SyncJobService>,
            every: Duration = SHORTEST_INTERVAL,
            id: Int = DEFAULT_ID,
        ) {
            val job = JobInfo.Builder(id, ComponentName(context, service))
                .setRequiredNetworkType(JobInfo.NETWORK_TYPE_ANY)
                .setPeriodic(every.inWholeMilliseconds)
                .build()
            context.getSystemService(JobScheduler::class.java).schedule(job)
        }

        /** "cntd" as a number: unlikely to be another job's. */
        public const val DEFAULT_ID: Int = 0x636e7464
    }
}
