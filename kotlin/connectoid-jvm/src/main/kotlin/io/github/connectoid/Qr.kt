package io.github.connectoid

import io.github.connectoid.ffi.Qr as FfiQr

/**
 * A link as a QR code, to be scanned in person, with the light margin without which cameras do not find it.
 *
 * @param link of at most 2,331 bytes
 * @throws ConnectoidException.Usage if it is longer
 */
public class Qr(link: String) : AutoCloseable {
    private val ffi: FfiQr = call { FfiQr(link) }

    /** As an SVG document, one unit per module. */
    public fun svg(): String = call { ffi.svg() }

    /**
     * As a PNG image, black on white.
     *
     * @param scale pixels per module, 1 to 32
     * @throws ConnectoidException.Usage for another scale
     */
    public fun png(scale: Int): ByteArray = call {
        require(scale >= 1) { "a scale is positive" }
        ffi.png(scale.toUInt())
    }

    /** For a terminal with a dark background. */
    public fun terminal(): String = call { ffi.terminal() }

    /** Gives its memory back now; else the garbage collector does. */
    override fun close(): Unit = ffi.close()
}
