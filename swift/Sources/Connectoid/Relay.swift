import Foundation

/// What a listener is given and its reader has not taken yet.
protocol Buffer: Sendable {
    /// What the library hands over.
    associatedtype Input: Sendable
    /// What the app takes.
    associatedtype Output: Sendable
    /// Whether the library has to wait before it hands over more.
    var isFull: Bool { get }
    mutating func put(_ input: Input)
    mutating func take() -> Output?
}

/// Where the library, which hands over, and the app, which iterates, meet. Neither blocks a thread; the library waits
/// while the buffer is full, so that an app that is slow costs no memory.
final class Relay<B: Buffer>: Sendable {
    private struct State {
        var buffer: B
        var giver: CheckedContinuation<Void, any Error>?
        var takers: [CheckedContinuation<B.Output?, Never>] = []
        var ended = false
    }

    private let state: Locked<State>

    init(_ buffer: B) {
        state = Locked(State(buffer: buffer))
    }

    /// Hands over, and returns when the next may follow.
    ///
    /// - Throws: A `CancellationError` if nobody will take it any more.
    func give(_ input: B.Input) async throws {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { giver in offer(input, by: giver) }
        } onCancel: {
            // The library let go of its listener.
            end()
        }
    }

    /// The next, when it is there; `nil` when nothing follows.
    func next() async -> B.Output? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { taker in ask(by: taker) }
        } onCancel: {
            end()
        }
    }

    /// Nothing is taken any more but what has been handed over.
    func end() {
        let resumed = state.withLock { state in
            state.ended = true
            defer {
                state.giver = nil
                state.takers = []
            }
            return (giver: state.giver, takers: state.takers)
        }
        resumed.giver?.resume(throwing: CancellationError())
        resumed.takers.forEach { $0.resume(returning: nil) }
    }

    private func offer(_ input: B.Input, by giver: CheckedContinuation<Void, any Error>) {
        let ended = state.withLock { state in
            guard !state.ended else { return true }
            state.buffer.put(input)
            state.giver = giver
            return false
        }
        if ended { giver.resume(throwing: CancellationError()) } else { serve() }
    }

    private func ask(by taker: CheckedContinuation<B.Output?, Never>) {
        state.withLock { state in state.takers.append(taker) }
        serve()
    }

    /// Hands what there is to those who wait. They are resumed outside the lock: they may come back at once.
    private func serve() {
        let (served, giver) = state.withLock { state in
            var served: [(CheckedContinuation<B.Output?, Never>, B.Output?)] = []
            while let taker = state.takers.first {
                let output = state.buffer.take()
                guard output != nil || state.ended else { break }
                served.append((taker, output))
                state.takers.removeFirst()
            }
            guard !state.buffer.isFull else { return (served, CheckedContinuation<Void, any Error>?.none) }
            defer { state.giver = nil }
            return (served, state.giver)
        }
        for (taker, output) in served { taker.resume(returning: output) }
        giver?.resume()
    }
}

/// One after the other; full until all are taken.
struct Queue<Element: Sendable>: Buffer {
    private var waiting: ArraySlice<Element> = []

    var isFull: Bool { !waiting.isEmpty }

    mutating func put(_ elements: [Element]) { waiting += elements }

    mutating func take() -> Element? {
        // A slice keeps what was taken from it in memory.
        defer { if waiting.isEmpty { waiting = [] } }
        return waiting.popFirst()
    }
}

/// A value that one thread at a time sees.
final class Locked<Value: Sendable>: @unchecked Sendable {
    // The lock guards the value.
    private let lock = NSLock()
    private var value: Value

    init(_ value: Value) {
        self.value = value
    }

    func withLock<T>(_ body: (inout Value) throws -> T) rethrows -> T {
        lock.lock()
        defer { lock.unlock() }
        return try body(&value)
    }
}
