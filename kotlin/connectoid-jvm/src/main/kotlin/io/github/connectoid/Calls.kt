package io.github.connectoid

import io.github.connectoid.ffi.InternalException
import io.github.connectoid.ffi.NodeException
import java.nio.charset.CharacterCodingException
import kotlin.coroutines.cancellation.CancellationException

/** Makes a call into the library; its errors become those of this API, and so do those of what is generated. */
internal inline fun <T> call(block: () -> T): T =
    try {
        block()
    } catch (failed: NodeException.Failed) {
        throw failed.problem.toPublic(failed)
    } catch (defect: InternalException) {
        throw ConnectoidException.Internal(Failure("internal", Blame.INTERNAL, DEFECT, defect.toString(), defect))
    } catch (wrong: IllegalArgumentException) {
        // A number or a duration that cannot be handed over.
        throw usage(wrong)
    } catch (wrong: CharacterCodingException) {
        throw usage(wrong, "a text has half of a surrogate pair, which is no character")
    } catch (gone: IllegalStateException) {
        // That of a cancelled coroutine is one too.
        throw if (gone is CancellationException) gone else usage(gone)
    }

internal fun usage(
    cause: Exception,
    message: String = cause.message ?: "the call is wrong",
): ConnectoidException.Usage = ConnectoidException.Usage(Failure("usage", Blame.USAGE, message, "$cause", cause))

internal const val DEFECT = "a defect of this SDK; please report it with the text of `debug`"
