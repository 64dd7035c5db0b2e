import Dispatch
internal import ConnectoidBindings

/// Makes a call into the library; its errors become those of this API.
///
/// What is generated cancels the library's work when the task is cancelled, and throws a `CancellationError` then.
func call<T>(_ body: () async throws -> T) async throws -> T {
    do {
        return try await body()
    } catch {
        throw translated(error)
    }
}

/// As the other one, for what does not wait.
func call<T>(_ body: () throws -> T) throws -> T {
    do {
        return try body()
    } catch {
        throw translated(error)
    }
}

/// Makes a call that reads many records from the disk, on a thread that may wait for it.
func callAside<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
    try Task.checkCancellation()
    return try await withCheckedThrowingContinuation { caller in
        DispatchQueue.global().async { caller.resume(with: Result { try call(body) }) }
    }
}

private func translated(_ error: any Error) -> any Error {
    switch error {
    case let NodeError.Failed(problem): ConnectoidError(problem)
    case is CancellationError, is ConnectoidError: error
    default: ConnectoidError.defect(error)
    }
}

/// The largest message that the library takes, in bytes. It says so better; but what is generated counts in 32 bits,
/// and ends the app where they do not suffice.
private let mostBytes = Int(Int32.max)

/// Refuses what is too large to be handed over at all.
func checkLength(_ length: Int) throws {
    guard length <= mostBytes else { throw ConnectoidError.usage("\(length) bytes are more than can be handed over") }
}
