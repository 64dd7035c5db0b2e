import Foundation
internal import ConnectoidBindings

/// Keeps the master secret of one data folder, where the platform has a place for secrets.
///
/// Asked when a node opens, and given two minutes: a person may have to unlock it. If ``Node/open(_:keyStore:)`` is
/// cancelled, so is the task that asks.
///
/// What it throws becomes the text of a ``ConnectoidError/Kind-swift.enum/storageUnavailable``, so it must not contain
/// the secret.
public protocol KeyStore: Sendable {
    /// The secret, 32 bytes; `nil` if none was ever kept.
    func load() async throws -> Data?

    /// Keeps a secret; it must be durable when this returns.
    func save(_ secret: Data) async throws
}

/// Asks the app's key store, until nobody wants the answer any more.
final class KeyStoreAdapter: ConnectoidBindings.KeyStore {
    private struct State {
        var ended = false
        var endQuestion: (@Sendable () -> Void)?
    }

    private let store: any KeyStore
    private let state = Locked(State())

    init(_ store: any KeyStore) {
        self.store = store
    }

    /// Cancels a question that is not answered yet, and has later ones fail. Does not wait for the key store.
    func end() {
        let endQuestion = state.withLock { state in
            state.ended = true
            return state.endQuestion
        }
        endQuestion?()
    }

    func load() async throws -> Data? {
        try await ask { [store] in try await store.load() }
    }

    func save(secret: Data) async throws {
        try await ask { [store] in try await store.save(secret) }
    }

    private func ask<T: Sendable>(_ question: @escaping @Sendable () async throws -> T) async throws -> T {
        let (answers, answer) = AsyncThrowingStream.makeStream(of: T.self)
        let work = Task {
            do {
                answer.yield(try await question())
            } catch {
                answer.finish(throwing: error)
            }
        }
        let ended = state.withLock { state in
            state.endQuestion = {
                work.cancel()
                answer.finish(throwing: CancellationError())
            }
            return state.ended
        }
        if ended { end() }
        do {
            for try await answer in answers { return answer }
            // The library gave the key store up.
            work.cancel()
            throw CancellationError()
        } catch {
            throw HostError.Failed(reason: String(describing: error))
        }
    }
}
