package io.github.connectoid.android

import android.app.job.JobInfo
import android.app.job.JobParameters
import android.app.job.JobScheduler
import android.app.job.JobService
import android.content.ComponentName
import android.content.Context
import io.github.connectoid.Node
import io.github.connectoid.PairState
import java.util.concurrent.ConcurrentHashMap
import java.util.logging.Level
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
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.launch
import kotlinx.coroutines.withTimeoutOrNull

/**
 * Looks for news and brings them in, for a job that the system runs in the background: returns when nothing has happened
 * for [quiet], at the latest after [budget]. The node is open before and after.
 *
 * From WorkManager, call it in the `CoroutineWorker` of periodic work, and return `Result.success()`: the rest comes next
 * time.
 *
 * @return whether every peer is known to have all that this node has; a peer that is offline for days is nothing to
 *   hurry for
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

    /** The work of one run. What it throws is logged, and the system tries again before the next run is due. */
    protected open suspend fun sync() {
        node().syncInBackground()
    }

    final override fun onStartJob(parameters: JobParameters): Boolean {
        running[parameters.jobId] = scope.launch {
            val failed = fails()
            running.remove(parameters.jobId)
            jobFinished(parameters, failed)
        }
        return true
    }

    // Whatever the app's own code throws, the system has to hear that the job is over; it holds the device awake.
    @Suppress("TooGenericExceptionCaught")
    private suspend fun fails(): Boolean = try {
        sync()
        false
    } catch (failure: Throwable) {
        // The system took its time back, and knows.
        currentCoroutineContext().ensureActive()
        LOGGER.log(Level.WARNING, "the sync in the background failed", failure)
        true
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
         * whenever the app starts. If it is scheduled already, that changes nothing but the interval.
         *
         * @param id unique among the app's jobs
         */
        public fun schedule(
            context: Context,
            service: Class<out SyncJobService>,
            every: Duration = SHORTEST_INTERVAL,
            id: Int = DEFAULT_ID,
        ) {
            val scheduler = context.getSystemService(JobScheduler::class.java)
            val component = ComponentName(context, service)
            val pending = scheduler.getPendingJob(id)
            // Android cancels a job that is scheduled again, also one that is running because this process was started
            // for it.
            if (pending?.service == component && pending.intervalMillis == every.inWholeMilliseconds) return
            val job = JobInfo.Builder(id, component)
                .setRequiredNetworkType(JobInfo.NETWORK_TYPE_ANY)
                .setPeriodic(every.inWholeMilliseconds)
                .build()
            scheduler.schedule(job)
        }

        /** "cntd" as a number: unlikely to be another job's. */
        public const val DEFAULT_ID: Int = 0x636e7464
    }
}
