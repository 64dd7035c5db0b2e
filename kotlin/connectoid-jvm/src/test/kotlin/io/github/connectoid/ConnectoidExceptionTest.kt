package io.github.connectoid

import io.github.connectoid.ffi.Blame as FfiBlame
import io.github.connectoid.ffi.ErrorKind
import io.github.connectoid.ffi.Problem
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test

class ConnectoidExceptionTest {
    @Test
    fun `each kind of error has its class, named alike`() {
        for (kind in ErrorKind.entries) {
            val exception = Problem(kind, FfiBlame.PEER, "text", "debug").toPublic()
            assertEquals(kind.name.replace("_", ""), exception.javaClass.simpleName.uppercase())
            assertEquals(listOf(kind.name.lowercase(), "text", "debug"), exception.let { listOf(it.kind, it.message, it.debug) })
            assertEquals(Blame.PEER, exception.blame)
        }
    }
}
