package io.github.connectoid.android

import android.content.Context
import android.security.keystore.KeyGenParameterSpec
import android.security.keystore.KeyProperties
import android.util.AtomicFile
import io.github.connectoid.KeyStore
import java.io.File
import java.security.KeyStore as Platform
import javax.crypto.Cipher
import javax.crypto.KeyGenerator
import javax.crypto.SecretKey
import javax.crypto.spec.GCMParameterSpec
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext

/**
 * Keeps a node's master secret sealed under a key of the Android Keystore, which never leaves the device's secure
 * hardware where there is one.
 *
 * The sealed secret is a file that backups leave out: restored on another device, it could not be opened there. A node
 * whose data folder was restored without it fails with `WrongKey`; then begin with a new folder and share new links.
 *
 * @param name one for each data folder
 */
public class AndroidKeyStore(context: Context, name: String = "connectoid") : KeyStore {
    private val file = AtomicFile(File(context.noBackupFilesDir, "$name.key"))
    private val alias = "io.github.connectoid.$name"

    override suspend fun load(): ByteArray? = withContext(Dispatchers.IO) {
        val key = key()
        if (key == null || !file.baseFile.exists()) null else open(key, file.readFully())
    }

    override suspend fun save(secret: ByteArray): Unit = withContext(Dispatchers.IO) {
        val sealed = seal(key() ?: newKey(), secret)
        val stream = file.startWrite()
        try {
            stream.write(sealed)
        } catch (failure: java.io.IOException) {
            file.failWrite(stream)
            throw failure
        }
        // Durable when this returns.
        file.finishWrite(stream)
    }

    private fun key(): SecretKey? =
        Platform.getInstance(PROVIDER).apply { load(null) }.getKey(alias, null) as SecretKey?

    private fun newKey(): SecretKey {
        val purposes = KeyProperties.PURPOSE_ENCRYPT or KeyProperties.PURPOSE_DECRYPT
        val spec = KeyGenParameterSpec.Builder(alias, purposes)
            .setBlockModes(KeyProperties.BLOCK_MODE_GCM)
            .setEncryptionPaddings(KeyProperties.ENCRYPTION_PADDING_NONE)
            .setKeySize(KEY_BITS)
            .build()
        return KeyGenerator.getInstance(KeyProperties.KEY_ALGORITHM_AES, PROVIDER).apply { init(spec) }.generateKey()
    }

    /** The nonce, which the Keystore chooses, and behind it what it sealed. */
    private fun seal(key: SecretKey, secret: ByteArray): ByteArray {
        val cipher = Cipher.getInstance(CIPHER).apply { init(Cipher.ENCRYPT_MODE, key) }
        check(cipher.iv.size == NONCE_BYTES) { "the Android Keystore chose a nonce of another length" }
        return cipher.iv + cipher.doFinal(secret)
    }

    private fun open(key: SecretKey, sealed: ByteArray): ByteArray {
        require(sealed.size > NONCE_BYTES) { "the file with the sealed secret is damaged" }
        val nonce = GCMParameterSpec(TAG_BITS, sealed, 0, NONCE_BYTES)
        val cipher = Cipher.getInstance(CIPHER).apply { init(Cipher.DECRYPT_MODE, key, nonce) }
        return cipher.doFinal(sealed, NONCE_BYTES, sealed.size - NONCE_BYTES)
    }

    private companion object {
        const val PROVIDER = "AndroidKeyStore"
        const val CIPHER = "AES/GCM/NoPadding"
        const val KEY_BITS = 256
        const val NONCE_BYTES = 12
        const val TAG_BITS = 128
    }
}
