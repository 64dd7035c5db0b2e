package io.github.connectoid

import java.io.File
import kotlin.time.Duration.Companion.milliseconds
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.withTimeout
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir

class KeyStoreTest {
    private class InMemory(var kept: ByteArray? = null) : KeyStore {
        lateinit var lent: ByteArray

        override suspend fun load(): ByteArray? = kept

        override suspend fun save(secret: ByteArray) {
            lent = secret
            kept = secret.copyOf()
        }
    }

    @Test
    fun `an app keeps the secret`(@TempDir folder: File) = story { service ->
        val store = InMemory()
        val user = Node.open(settings(service, folder), store).use { it.userId }
        assertEquals(32, store.kept?.size)
        assertTrue(store.lent.all { it == 0.toByte() }, "what was lent is wiped")
        assertFalse(File(folder, "key").exists(), "the secret lies nowhere else")
        assertEquals(user, Node.open(settings(service, folder), store).use { it.userId })
        fails<ConnectoidException.WrongKey> { Node.open(settings(service, folder), InMemory()) }
        fails<ConnectoidException.WrongKey> { Node.open(settings(service, folder), InMemory(ByteArray(32))) }
        fails<ConnectoidException.StorageUnavailable> { Node.open(settings(service, folder), InMemory(ByteArray(31))) }
    }

    @Test
    fun `a key store that fails fails the opening, and says why`(@TempDir folder: File) = story { service ->
        val store = object : KeyStore {
            override suspend fun load(): ByteArray? = throw NoClassDefFoundError("the device is locked")
            override suspend fun save(secret: ByteArray) = Unit
        }
        val failure = fails<ConnectoidException.StorageUnavailable> { Node.open(settings(service, folder), store) }
        assertTrue("the device is locked" in failure.message.orEmpty(), failure.message)
    }

    @Test
    fun `a timeout of the key store's own is told`(@TempDir folder: File) = story { service ->
        val store = object : KeyStore {
            override suspend fun load(): ByteArray? = withTimeout(1.milliseconds) { awaitCancellation() }
            override suspend fun save(secret: ByteArray) = Unit
        }
        val failure = fails<ConnectoidException.StorageUnavailable> { Node.open(settings(service, folder), store) }
        assertTrue("Timed out" in failure.message.orEmpty(), failure.message)
    }

    @Test
    fun `a key store may fail with what is no text`(@TempDir folder: File) = story { service ->
        val store = object : KeyStore {
            override suspend fun load(): ByteArray? = error("cut off in an emoji: \uD83D")
            override suspend fun save(secret: ByteArray) = Unit
        }
        val failure = fails<ConnectoidException.StorageUnavailable> { Node.open(settings(service, folder), store) }
        assertTrue("cut off in an emoji: ?" in failure.message.orEmpty(), failure.message)
    }

    @Test
    fun `a passphrase opens its folder alone`(@TempDir folder: File) = story { service ->
        val settings = settings(service, folder).copy(passphrase = "correct horse")
        Node.open(settings).close()
        val failure = fails<ConnectoidException.WrongKey> { Node.open(settings.copy(passphrase = "wrong")) }
        assertEquals("wrong_key" to Blame.STORAGE, failure.kind to failure.blame)
        Node.open(settings).close()
        assertFalse("correct horse" in settings.toString())
    }
}
