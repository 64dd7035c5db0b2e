internal import ConnectoidBindings

/// Something that goes on until it is cancelled, or nothing refers to this any more.
public final class EventSubscription: Sendable {
    private let ffi: ConnectoidBindings.Subscription
    private let onCancel: @Sendable () -> Void

    init(_ ffi: ConnectoidBindings.Subscription, onCancel: @escaping @Sendable () -> Void = {}) {
        self.ffi = ffi
        self.onCancel = onCancel
    }

    deinit {
        cancel()
    }

    /// Ends it. A handler that is at work is cancelled. Ending it again does nothing.
    public func cancel() {
        onCancel()
        do {
            try ffi.cancel()
        } catch {
            report("a subscription could not be ended", error)
        }
    }
}

/// A subscription, and what it brings to whoever iterates. It ends with the stream that holds it.
private final class Source<B: Buffer>: Sendable {
    private let relay: Relay<B>
    private let subscription: EventSubscription

    init(_ buffer: B, subscribe: (Relay<B>) throws -> ConnectoidBindings.Subscription) rethrows {
        relay = Relay(buffer)
        subscription = EventSubscription(try subscribe(relay))
    }

    deinit {
        close()
    }

    func next() async -> B.Output? { await relay.next() }

    func close() {
        subscription.cancel()
        relay.end()
    }
}

func events(of node: ConnectoidBindings.Node) -> AsyncStream<Event> {
    let source = try? Source(Queue<Event>()) { relay in try node.subscribe(listener: EventRelay(relay)) }
    // Nothing happens on a node that is closed.
    guard let source else { return AsyncStream { nil } }
    return AsyncStream {
        await source.next()
    } onCancel: {
        source.close()
    }
}

func changes(
    of node: ConnectoidBindings.Node, _ group: String, _ collection: String
) -> AsyncThrowingStream<[RecordChange], any Error> {
    stream(of: node, group, collection, into: Queue<Result<[RecordChange], any Error>>()) { [$0] }
}

func snapshots(
    of node: ConnectoidBindings.Node, _ group: String, _ collection: String
) -> AsyncThrowingStream<[Record], any Error> {
    stream(of: node, group, collection, into: Snapshot()) { $0 }
}

private func stream<Element, B: Buffer>(
    of node: ConnectoidBindings.Node, _ group: String, _ collection: String, into buffer: B,
    input: @escaping @Sendable (Result<[RecordChange], any Error>) -> B.Input
) -> AsyncThrowingStream<Element, any Error> where B.Output == Result<Element, any Error> {
    do {
        let source = try call {
            try Source(buffer) { relay in
                let listener = RecordRelay(relay, input: input)
                return try node.changes(group: group, collection: collection, listener: listener)
            }
        }
        return AsyncThrowingStream { try await source.next()?.get() }
    } catch {
        return AsyncThrowingStream { throw error }
    }
}

private final class EventRelay: ConnectoidBindings.EventListener {
    private let relay: Relay<Queue<Event>>

    init(_ relay: Relay<Queue<Event>>) {
        self.relay = relay
    }

    deinit {
        relay.end()
    }

    func onEvents(events: [ConnectoidBindings.Event]) async throws {
        try await relay.give(events.map(Event.init))
    }

    func onClosed() async throws {
        relay.end()
    }
}

private final class RecordRelay<B: Buffer>: ConnectoidBindings.RecordListener {
    private let relay: Relay<B>
    private let input: @Sendable (Result<[RecordChange], any Error>) -> B.Input

    init(_ relay: Relay<B>, input: @escaping @Sendable (Result<[RecordChange], any Error>) -> B.Input) {
        self.relay = relay
        self.input = input
    }

    deinit {
        relay.end()
    }

    func onObservation(observation: ConnectoidBindings.Observation) async throws {
        try await relay.give(input(Self.changes(observation)))
    }

    func onClosed() async throws {
        relay.end()
    }

    private static func changes(_ observation: ConnectoidBindings.Observation) -> Result<[RecordChange], any Error> {
        switch observation {
        case let .records(records): .success(records.map(RecordChange.init))
        case .complete: .success([])
        case let .failed(problem): .failure(ConnectoidError(problem))
        }
    }
}

/// Calls an app's handler, one event at a time.
final class EventHandler: ConnectoidBindings.EventListener {
    private let handle: @Sendable (Event) async throws -> Void
    private let ended = Locked(false)

    init(_ handle: @escaping @Sendable (Event) async throws -> Void) {
        self.handle = handle
    }

    /// Events come in batches; of one that is under way, the rest is not told any more.
    func end() {
        ended.withLock { $0 = true }
    }

    func onEvents(events: [ConnectoidBindings.Event]) async throws {
        for event in events where !ended.withLock({ $0 }) {
            do {
                try await handle(Event(event))
            } catch {
                // A handler that is cancelled says so; that is no mistake.
                try Task.checkCancellation()
                report("an event handler failed", error)
            }
        }
    }

    func onClosed() async throws {}
}
