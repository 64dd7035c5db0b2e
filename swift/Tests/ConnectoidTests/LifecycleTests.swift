import Connectoid
import ConnectoidTestSupport
import Foundation
import Testing

#if os(Linux)
import CMalloc
#endif

@Suite(.serialized) struct LifecycleTests {
    @Test func aServiceThatIsDownIsToldAndWaitedFor() async throws {
        try await story { _ in
            let (alice, bob) = (try await node(nobody), try await node(nobody))
            let link = try await alice.share("bob", group: "g").link
            try await alice.put("g", "c", "r", ["x": 1])
            let problem = try await bob.expect({
                if case let .serviceProblem(_, problem) = $0 { problem } else { nil }
            }) { try await bob.openLink(link, nickname: "alice") }
            #expect(problem.kind == .serviceUnreachable && problem.blame == .service)
            #expect(try await alice.peers().map(\.state) == [.invited])
            #expect(try await bob.peers().map(\.state) == [.opening])
            await alice.close()
            await bob.close()
        }
    }

    @Test func aClosedNodeSaysSoAndItsFolderIsFree() async throws {
        try await story { service in
            try await inFolder { folder in
                let node = try await Node.open(settings(service, folder: folder))
                await fails(.storageUnavailable) { _ = try await Node.open(settings(service, folder: folder)) }
                for call in [
                    { try await node.setPace(.background) }, { try await node.networkChanged() },
                    { try await node.syncNow() },
                ] {
                    try await call()
                }
                await node.close()
                await node.close()
                await fails(.closed) { _ = try await node.peers() }
                await fails(.closed) { _ = try await node.record("g", "c", "r") }
                await (try await Node.open(settings(service, folder: folder))).close()
                let elsewhere = try #require(URL(string: "https://example.org"))
                await fails(.usage) { _ = try await Node.open(NodeSettings(folder: elsewhere)) }
            }
        }
    }

    @Test func aNodeThatNothingRefersToIsClosed() async throws {
        try await story { service in
            try await inFolder { folder in
                var node: Node? = try await Node.open(settings(service, folder: folder))
                try await node?.createGroup("g")
                let (events, lists) = (try #require(node).events, try #require(node).observe("g", "c"))
                node = nil
                for await _ in events {}
                for try await _ in lists {}
                try await isFree(folder, service)
            }
        }
    }

    @Test func whatIsClosedDuringASyncGoesOnLater() async throws {
        try await story { service in
            try await inFolder { folder in
                let alice = try await node(service)
                let bob = try await Node.open(settings(service, folder: folder))
                try await pair(alice, bob)
                let writes = (0..<1000).map {
                    Write.put(
                        collection: "c", id: String(format: "%04d", $0),
                        fields: ["x": .string(String(repeating: "y", count: 100))])
                }
                let asking = Task { while true { _ = try await bob.list("g", "c", limit: 10) } }
                _ = try await bob.expect(\.changed) { try await alice.commit("g", Array(writes[..<100])) }
                let writing = Task {
                    for start in stride(from: 100, to: 1000, by: 100) {
                        try await alice.commit("g", Array(writes[start..<start + 100]))
                    }
                }
                await bob.close()
                await fails(.closed) { try await asking.value }
                try await writing.value
                let again = try await Node.open(settings(service, folder: folder))
                for try await list in again.observe("g", "c") where list.count == writes.count { break }
                await again.close()
                await alice.close()
            }
        }
    }

    #if os(Linux)
    /// 1,000 nodes; a node that stayed would keep three threads, some files and hundreds of kilobytes.
    @Test func aThousandNodesLeaveNothingBehind() async throws {
        try await story { service in
            @Sendable func openAndClose(_ times: Int) async throws {
                for number in 0..<times {
                    let node = try await node(service)
                    try await node.createGroup("g")
                    try await node.put("g", "c", "r", ["x": JSONValue(number)])
                    for try await list in node.observe("g", "c") where !list.isEmpty { break }
                    // Every other one is only let go.
                    if number % 2 == 0 { await node.close() }
                }
            }
            try await openAndClose(100)
            let before = try await Footprint.settled()
            try await openAndClose(900)
            try await before.hasNotGrown()
        }
    }

    @Test func aHundredThousandEventsAndObservationsLeaveNothingBehind() async throws {
        // The store fills its cache before.
        let (before, count): (UInt64, UInt64) = (50_000, 100_000)
        try await story { service in
            try await inFolder { folder in
                // What is kept of the records does not count: it is in the folder.
                let node = try await Node.open(settings(service, folder: folder))
                try await node.createGroup("g")
                let (events, lists) = (node.events, node.observe("g", "c"))
                let listening = Task {
                    for await event in events where event.sequence >= before + count { break }
                }
                let watching = Task { for try await _ in lists {} }
                try await write(before, to: node)
                let footprint = try await Footprint.settled()
                try await write(count, to: node)
                try await footprint.hasNotGrown()
                try await within(patience) { await listening.value }
                await node.close()
                try await watching.value
            }
        }
    }

    private func write(_ count: UInt64, to node: Node) async throws {
        // Writes that wait at the same time: few enough for the queue of events to hold what they cause.
        let batch: UInt64 = 100
        for round in 0..<count / batch {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<batch {
                    group.addTask { try await node.put("g", "c", "\(number)", ["x": JSONValue(Int(round))]) }
                }
                try await group.waitForAll()
            }
        }
    }
    #endif
}

#if os(Linux)
/// What this process takes of the machine.
private struct Footprint: Sendable {
    let files: Int
    let threads: Int
    /// What C's allocator, which is Swift's and the library's, has handed out, in KiB.
    let memory: Int

    private static let slack = 8
    /// What caches take until they are full.
    private static let slackMemory = 1 << 10

    func hasNotGrown() async throws {
        let now = try await Self.settled(atMost: self)
        #expect(now.files <= files + Self.slack, "\(self) before, \(now) now")
        #expect(now.threads <= threads + Self.slack, "\(self) before, \(now) now")
        #expect(now.memory <= memory + Self.slackMemory, "\(self) before, \(now) now")
        print("footprint: \(self) before, \(now) after")
    }

    /// Nobody tells when the last thread of a node has ended, or the last event is freed, so this looks a few times.
    static func settled(atMost: Footprint? = nil) async throws -> Footprint {
        var now = try read()
        for _ in 0..<100 {
            if let atMost, now.threads <= atMost.threads, now.files <= atMost.files,
                now.memory <= atMost.memory + slackMemory
            {
                break
            }
            try await Task.sleep(for: .milliseconds(20))
            now = try read()
        }
        return now
    }

    private static func read() throws -> Footprint {
        let allocated = mallinfo2()
        return Footprint(
            files: try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count,
            threads: try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task").count,
            memory: (allocated.uordblks + allocated.hblkhd) >> 10
        )
    }
}
#endif
