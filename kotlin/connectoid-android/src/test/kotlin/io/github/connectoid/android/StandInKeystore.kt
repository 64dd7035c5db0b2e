package io.github.connectoid.android

import java.io.InputStream
import java.io.OutputStream
import java.security.Key
import java.security.KeyStoreSpi
import java.security.Provider
import java.security.SecureRandom
import java.security.Security
import java.security.cert.Certificate
import java.security.spec.AlgorithmParameterSpec
import java.util.Collections
import java.util.Date
import javax.crypto.KeyGenerator
import javax.crypto.KeyGeneratorSpi
import javax.crypto.SecretKey

/** Stands in for the Android Keystore, a service of the device that Robolectric has nothing for: keys in memory. */
class StandInKeystore : Provider("AndroidKeyStore", "1", "in memory") {
    init {
        put("KeyStore.AndroidKeyStore", Keys::class.java.name)
        put("KeyGenerator.AES", Generator::class.java.name)
    }

    class Generator : KeyGeneratorSpi() {
        private lateinit var alias: String

        override fun engineInit(spec: AlgorithmParameterSpec, random: SecureRandom?) {
            alias = (spec as android.security.keystore.KeyGenParameterSpec).keystoreAlias
        }

        override fun engineInit(random: SecureRandom) = error("a key needs a name")
        override fun engineInit(size: Int, random: SecureRandom) = error("a key needs a name")

        override fun engineGenerateKey(): SecretKey =
            KeyGenerator.getInstance("AES", "SunJCE").apply { init(256) }.generateKey().also { keys[alias] = it }
    }

    class Keys : KeyStoreSpi() {
        override fun engineGetKey(alias: String, password: CharArray?): Key? = keys[alias]
        override fun engineLoad(stream: InputStream?, password: CharArray?) = Unit
        override fun engineContainsAlias(alias: String) = alias in keys
        override fun engineAliases() = Collections.enumeration(keys.keys)
        override fun engineSize() = keys.size
        override fun engineIsKeyEntry(alias: String) = alias in keys
        override fun engineIsCertificateEntry(alias: String) = false
        override fun engineGetCertificateChain(alias: String): Array<Certificate>? = null
        override fun engineGetCertificate(alias: String): Certificate? = null
        override fun engineGetCreationDate(alias: String): Date? = null
        override fun engineGetCertificateAlias(certificate: Certificate): String? = null
        override fun engineDeleteEntry(alias: String) = Unit.also { keys.remove(alias) }
        override fun engineSetKeyEntry(alias: String, key: Key, password: CharArray?, chain: Array<Certificate>?) = readOnly()
        override fun engineSetKeyEntry(alias: String, key: ByteArray, chain: Array<Certificate>?) = readOnly()
        override fun engineSetCertificateEntry(alias: String, certificate: Certificate) = readOnly()
        override fun engineStore(stream: OutputStream, password: CharArray?) = readOnly()
        private fun readOnly(): Nothing = throw UnsupportedOperationException()
    }

    companion object {
        val keys: MutableMap<String, SecretKey> = mutableMapOf()

        fun install() {
            keys.clear()
            Security.addProvider(StandInKeystore())
        }
    }
}
