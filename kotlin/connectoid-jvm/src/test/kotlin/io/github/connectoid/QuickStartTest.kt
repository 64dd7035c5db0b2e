package io.github.connectoid

import java.io.File
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import quickStart

class QuickStartTest {
    @Test
    fun `the quick start does what it says`(@TempDir folder: File) = story { service ->
        assertEquals("milk: 2", quickStart(service, folder))
    }

    @Test
    fun `the quick start is in the readme as it stands`() {
        val source = File("src/test/kotlin/io/github/connectoid/QuickStart.kt").readText()
        assertTrue("```kotlin\n$source```\n" in File("../README.md").readText())
    }
}
