package io.github.connectoid.android

import android.app.Activity
import android.app.ActivityManager
import android.app.Application
import android.os.Bundle
import io.github.connectoid.Node
import io.github.connectoid.Pace
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.cancel
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.launch

/**
 * Tells a node whether the app is in front of its user: then it looks for news often, else seldom. It begins with how
 * it is now, so a node that a job opens looks seldom. Make one for each node, when it is open; close it with the node.
 */
public class AppStateWatcher internal constructor(
    private val application: Application,
    first: Pace,
    private val tell: suspend (Pace) -> Unit,
) : AutoCloseable {
    public constructor(application: Application, node: Node) : this(application, pace(), node::setPace)

    private val scope = CoroutineScope(Dispatchers.Default)

    /** In order, and of several that wait, the last. */
    private val paces = Channel<Pace>(Channel.CONFLATED)

    private val callbacks = object : Application.ActivityLifecycleCallbacks {
        /** By the main thread alone. */
        private val visible = mutableSetOf<Activity>()

        override fun onActivityStarted(activity: Activity) = isVisible(activity)

        // Those that were there before this watcher are noticed when something covers or uncovers them.
        override fun onActivityResumed(activity: Activity) = isVisible(activity)
        override fun onActivityPaused(activity: Activity) = isVisible(activity)

        override fun onActivityStopped(activity: Activity) {
            visible -= activity
            // An activity that is made anew, because the screen was turned, is back at once.
            if (visible.isEmpty() && !activity.isChangingConfigurations) paces.trySend(Pace.BACKGROUND)
        }

        override fun onActivityCreated(activity: Activity, state: Bundle?) = Unit
        override fun onActivitySaveInstanceState(activity: Activity, state: Bundle) = Unit
        override fun onActivityDestroyed(activity: Activity) = Unit

        private fun isVisible(activity: Activity) {
            visible += activity
            paces.trySend(Pace.FOREGROUND)
        }
    }

    init {
        paces.trySend(first)
        scope.launch {
            var told: Pace? = null
            for (pace in paces) {
                if (pace != told) inform { tell(pace) }
                told = pace
            }
        }
        application.registerActivityLifecycleCallbacks(callbacks)
    }

    override fun close() {
        application.unregisterActivityLifecycleCallbacks(callbacks)
        scope.cancel()
    }

    private companion object {
        /** As the system sees this process. */
        fun pace(): Pace {
            val state = ActivityManager.RunningAppProcessInfo().also(ActivityManager::getMyMemoryState)
            val isInFront = state.importance <= ActivityManager.RunningAppProcessInfo.IMPORTANCE_VISIBLE
            return if (isInFront) Pace.FOREGROUND else Pace.BACKGROUND
        }
    }
}
