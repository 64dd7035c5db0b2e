package io.github.connectoid

import io.github.connectoid.ffi.LogLevel as FfiLogLevel
import io.github.connectoid.ffi.LogLine as FfiLogLine
import io.github.connectoid.ffi.LogListener
import io.github.connectoid.ffi.LogSubscription
import io.github.connectoid.ffi.followLog
import java.util.logging.Level
import java.util.logging.Logger

/**
 * What the SDK does, line by line, for the log of the app and for bug reports. A process has one, whatever nodes it has.
 *
 * ```
 * ConnectoidLog.follow(LogLevel.DEBUG) { (level, target, message) -> println("$level $target: $message") }
 * ```
 */
public object ConnectoidLog {
    /**
     * Calls a handler with what is said from now on, up to a level, until the subscription is closed. It goes on though
     * nobody keeps that.
     *
     * The handler is called on a thread of its own, one line at a time, and may call nodes. If it falls behind by 1,024
     * lines, further ones are lost, and a line says how many. What it throws is logged by `java.util.logging` under the
     * name `io.github.connectoid`.
     */
    public fun follow(level: LogLevel, handler: (LogLine) -> Unit): AutoCloseable {
        val listener = Handler(handler)
        val subscription = call { followLog(level.toFfi(), listener) }
        listener.subscription = subscription
        return AutoCloseable {
            listener.isClosed = true
            subscription.close()
        }
    }
}

/**
 * Something that was said. It names no link, key, address or value.
 *
 * @property level how much it matters
 * @property target the part of the SDK that says it; parts are renamed between versions
 * @property message what, in English
 */
public data class LogLine(val level: LogLevel, val target: String, val message: String)

/** How much a line of the log matters; each level includes those before. */
public enum class LogLevel {
    /** Something failed that should not: a defect, or a store that cannot be written. */
    ERROR,

    /** Something is wrong, and the node goes on. */
    WARN,

    /** What happens seldom. */
    INFO,

    /** What a node does: connections, offers, rounds to the mailbox. For bug reports. */
    DEBUG,

    /** Everything. */
    TRACE,
}

private class Handler(private val handler: (LogLine) -> Unit) : LogListener {
    /** The library holds the listener, and so the listener the subscription. */
    @Volatile var subscription: LogSubscription? = null

    @Volatile var isClosed: Boolean = false

    // Whatever an app's handler throws concerns the app alone; it is told, and the next line follows.
    @Suppress("TooGenericExceptionCaught")
    override fun onLine(line: FfiLogLine) {
        if (isClosed) return
        try {
            handler(LogLine(line.level.toPublic(), line.target, line.message))
        } catch (failed: Throwable) {
            Logger.getLogger("io.github.connectoid").log(Level.WARNING, "a handler of the log failed", failed)
        }
    }
}

private fun LogLevel.toFfi() = FfiLogLevel.entries[ordinal]

private fun FfiLogLevel.toPublic() = LogLevel.entries[ordinal]
