import Connectoid
import Foundation

/// Nothing takes this long unless it hangs.
public let patience = Duration.seconds(90)

/// Nor does a whole story, on a busy machine.
private let longPatience = Duration.seconds(600)

/// Nobody listens there: port 9 of this machine is closed.
public let nobody = "http://127.0.0.1:9"

/// Settings of a node that is reachable over loopback only.
public func settings(_ service: String, folder: URL? = nil) -> NodeSettings {
    NodeSettings(folder: folder, services: [service], idleTimeout: .seconds(3600), bind: ["127.0.0.1"], loopback: true)
}

/// A node in memory.
public func node(_ service: String) async throws -> Node {
    try await Node.open(settings(service))
}

/// A story with a service.
public func story(_ body: @escaping @Sendable (_ service: String) async throws -> Void) async throws {
    let service = try MailboxService()
    defer { service.stop() }
    try await within(longPatience) { try await body(service.url) }
}

/// A story of one node, which has made the group `g`.
public func storyOfOne(_ body: @escaping @Sendable (_ node: Node) async throws -> Void) async throws {
    try await story { service in
        let node = try await node(service)
        try await node.createGroup("g")
        try await body(node)
        await node.close()
    }
}

/// A story of two nodes that share the group `g`.
public func storyOfTwo(
    role: Role = .writer, _ body: @escaping @Sendable (_ alice: Node, _ bob: Node) async throws -> Void
) async throws {
    try await story { service in
        let (alice, bob) = (try await node(service), try await node(service))
        try await pair(alice, bob, role: role)
        try await body(alice, bob)
        await alice.close()
        await bob.close()
    }
}

/// Alice shares the group `g` with Bob, and Bob opens the link; both have the same when this returns.
public func pair(_ alice: Node, _ bob: Node, role: Role = .writer) async throws {
    let link = try await alice.share("bob", group: "g", role: role).link
    _ = try await alice.expect(\.synced) {
        _ = try await bob.expect(\.synced) { try await bob.openLink(link, nickname: "alice") }
    }
}

/// A folder of its own, which is gone afterwards.
public func inFolder(_ body: (URL) async throws -> Void) async throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try await body(folder)
}

/// Does something that may not take longer.
public func within<T: Sendable>(
    _ time: Duration, _ body: @escaping @Sendable () async throws -> T
) async throws -> T {
    try await withThrowingTaskGroup(of: T.self) { group in
        group.addTask(operation: body)
        group.addTask {
            try await Task.sleep(for: time)
            throw Failure("this took longer than \(time)")
        }
        defer { group.cancelAll() }
        guard let first = try await group.next() else { throw Failure("nothing was done") }
        return first
    }
}

extension Node {
    /// Does something and waits for an event that it causes: one for which there is something to return.
    public func expect<T: Sendable>(
        _ wanted: @escaping @Sendable (EventKind) -> T?, after action: @escaping @Sendable () async throws -> Void
    ) async throws -> T {
        let events = events
        try await action()
        return try await within(patience) {
            for await event in events {
                if let found = wanted(event.kind) { return found }
            }
            throw Failure("the node was closed")
        }
    }

    /// Asks again whenever something has happened, until there is an answer.
    public func eventually<T: Sendable>(_ ask: @escaping @Sendable () async throws -> T?) async throws -> T {
        let events = events
        return try await within(patience) {
            if let answer = try await ask() { return answer }
            for await _ in events {
                if let answer = try await ask() { return answer }
            }
            throw Failure("the node was closed")
        }
    }

    /// Waits until a record of the collection `c` in the group `g` has these fields.
    public func shows(_ id: String, _ fields: [String: JSONValue]) async throws {
        _ = try await eventually { try await self.record("g", "c", id)?.fields == fields ? true : nil }
    }
}

extension EventKind {
    /// The group of this kind of event.
    public var synced: String? {
        if case let .synced(_, group) = self { group } else { nil }
    }

    /// The group of this kind of event.
    public var changed: String? {
        if case let .changed(group, _) = self { group } else { nil }
    }

    /// The sender and the content of this kind of event.
    public var message: (nickname: String, data: Data)? {
        if case let .message(nickname, data) = self { (nickname, data) } else { nil }
    }
}
