package io.github.connectoid.android

import android.app.Activity
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
 * Tells a node whether the app is in front of its user: then it looks for news often, else seldom. Make one for each
 * node, when it is open; close it with the node.
 */
public class AppStateWatcher internal constructor(
    private val application: Application,
    private val tell: suspend (Pace) -> Unit,
) : AutoCloseable {
    public constructor(application: Application, node: Node) : this(application, node::setPace)

    private val scope = CoroutineScope(Dispatchers.Default)

    /** In order, and of several that wait, the last. */
    private val paces = Channel<Pace>(Channel.CONFLATED)

    private val callbacks = object : Application.ActivityLifecycleCallbacks {
        /** By the main thread alone. Those that were there before this watcher are missing, and do no harm. */
        private val visible = mutableSetOf<Activity>()

        override fun onActivityStarted(activity: Activity) {
            visible += activity
            paces.trySend(Pace.FOREGROUND)
        }

        override fun onActivityStopped(activity: Activity) {
            visible -= activity
            // An activity that is made anew, because the screen was turned, is back at once.
            if (visible.isEmpty() && !activity.isChangingConfigurations) paces.trySend(Pace.BACKGROUND)
        }

        override fun onActivityCreated(activity: Activity, state: Bundle?) = Unit
        override fun onActivityResumed(activity: Activity) = Unit
        override fun onActivityPaused(activity: Activity) = Unit
        override fun onActivitySaveInstanceState(activity: Activity, state: Bundle) = Unit
        override fun onActivityDestroyed(activity: Activity) = Unit
    }

    init {
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
}
