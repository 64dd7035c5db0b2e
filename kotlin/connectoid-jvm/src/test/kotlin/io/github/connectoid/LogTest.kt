package io.github.connectoid

import java.util.concurrent.LinkedBlockingQueue
import java.util.concurrent.TimeUnit
import kotlinx.serialization.json.put
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNotNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

class LogTest {
    @Test
    fun `what a node does is told, without a secret`() = story { service ->
        val lines = LinkedBlockingQueue<LogLine>()
        val log = ConnectoidLog.follow(LogLevel.TRACE) {
            lines.add(it)
            if (lines.size == 1) error("thrown by the app, and no matter")
        }
        val ids = node(service).use { alice ->
            node(service).use { bob ->
                pair(alice, bob)
                alice.put("g", "c", "r") { put("secret", "swordfish") }
                bob.eventually { bob.record("g", "c", "r") }
                val link = alice.share("carol", "g").link
                listOf(link.substringAfter("connectoid=").substringBefore('.'), alice.userId, bob.userId)
            }
        }
        val told = mutableListOf<LogLine>()
        // Both say that they are closed, and that is the last of each.
        while (told.count { it.message == "closed" } < 2) {
            val line = lines.poll(PATIENCE.inWholeSeconds, TimeUnit.SECONDS)
            assertNotNull(line, "after $told")
            told += line
        }
        log.close()
        assertTrue(told.any { it.level == LogLevel.DEBUG && it.message.endsWith(": connected") })
        assertTrue(told.all { it.target.startsWith("connectoid") })
        for (secret in ids + listOf("swordfish", "127.0.0.1", "http")) {
            assertFalse(told.any { secret in it.message }, "$secret in $told")
        }
        node(service).use { it.syncNow() }
        assertEquals(emptyList<LogLine>(), lines.filter { it.message == "closed" })
    }
}
