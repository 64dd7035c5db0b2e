package io.github.connectoid

import io.github.connectoid.ffi.InternalException
import io.github.connectoid.ffi.NodeException

/** Makes a call into the library; its errors become those of this API. */
internal inline fun <T> call(block: () -> T): T =
    try {
        block()
    } catch (failed: NodeException.Failed) {
        throw failed.problem.toPublic(failed)
    } catch (defect: InternalException) {
        throw ConnectoidException.Internal(Failure("internal", Blame.INTERNAL, DEFECT, defect.toString(), defect))
    }

internal const val DEFECT = "a defect of this SDK; please report it with the text of `debug`"
