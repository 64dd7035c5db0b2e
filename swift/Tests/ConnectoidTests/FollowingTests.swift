@testable import Connectoid
import ConnectoidTestSupport
import Foundation
import Testing

@Suite(.serialized) struct FollowingTests {
    @Test func aListShowsWhatAPeerWritesAndDeletes() async throws {
        try await storyOfTwo { alice, bob in
            var shown = bob.observe("g", "c").makeAsyncIterator()
            func until(_ ids: [String]) async throws {
                while let list = try await shown.next() {
                    if list.map(\.id) == ids { return }
                }
                Issue.record("the list ended before it showed \(ids)")
            }
            try await until([])
            try await alice.put("g", "c", "milk", ["x": 1])
            try await until(["milk"])
            try await alice.commit("g", ["eggs", "tea"].map { .put(collection: "c", id: $0, fields: ["x": 1]) })
            try await until(["eggs", "milk", "tea"])
            try await alice.delete("g", "c", "milk")
            try await until(["eggs", "tea"])
        }
    }

    @Test func aListCanBeObservedBeforeThereIsItsGroup() async throws {
        try await story { service in
            let (alice, bob) = (try await node(service), try await node(service))
            try await alice.createGroup("g")
            try await alice.put("g", "c", "milk", ["x": 1])
            let lists = bob.observe("g", "c")
            try await pair(alice, bob)
            for try await list in lists {
                if list.map(\.id) == ["milk"] { break }
            }
            await alice.close()
            await bob.close()
        }
    }

    @Test func allThatThereIsComesFirstThenAnEmptyListThenWhatChanges() async throws {
        try await storyOfOne { node in
            for page in 0..<3 { try await node.commit("g", (0..<900).map { put(page * 900 + $0) }) }
            var changes = node.changes("g", "c").makeAsyncIterator()
            var first: [String] = []
            while let page = try await changes.next(), !page.isEmpty { first += page.map(\.id) }
            #expect(first == (0..<2700).map(name))
            try await node.delete("g", "c", name(0))
            let change = try #require(try await changes.next())
            #expect(change.map(\.id) == [name(0)] && change.first?.record == nil)
        }
    }

    @Test func whoIsSlowGetsTheLatestList() async throws {
        try await storyOfOne { node in
            var lists = node.observe("g", "c").makeAsyncIterator()
            #expect(try await lists.next()?.isEmpty == true)
            for number in 0..<100 { try await node.put("g", "c", "r", ["n": JSONValue(number)]) }
            var seen = 0
            while try await lists.next()?.first?["n"] != 99 { seen += 1 }
            #expect(seen < 100)
        }
    }

    @Test func aHandlerThatThrowsIsReportedAndHarmsNothing() async throws {
        try await storyOfOne { node in
            let heard = Told<Event>()
            let told = try await standardError {
                let subscription = try node.subscribe { event in
                    // A handler may call the node.
                    _ = try await node.groups()
                    await heard.tell(event)
                    throw Failure("thrown by the app")
                }
                for number in 0..<3 { try await node.put("g", "c", "r", ["x": JSONValue(number)]) }
                #expect(await heard.first(3).compactMap(\.kind.changed).count == 3)
                // The third report is made after the third event was told.
                _ = try await node.expect(\.changed) { try await node.put("g", "c", "r", ["x": 4]) }
                _ = await heard.first(4)
                subscription.cancel()
            }
            #expect(told.components(separatedBy: "an event handler failed: thrown by the app").count > 3)
        }
    }

    @Test func aCancelledSubscriptionIsToldNothingAnyMore() async throws {
        try await storyOfOne { node in
            let heard = Told<Event>()
            let subscription = try node.subscribe { await heard.tell($0) }
            try await node.put("g", "c", "r", ["x": 1])
            _ = await heard.first(1)
            subscription.cancel()
            subscription.cancel()
            _ = try await node.expect(\.changed) { try await node.put("g", "c", "r", ["x": 2]) }
            // One that nobody holds is cancelled too.
            _ = try node.subscribe { await heard.tell($0) }
            _ = try await node.expect(\.changed) { try await node.put("g", "c", "r", ["x": 3]) }
            #expect(await heard.all.count == 1)
        }
    }

    @Test func ofABatchThatIsUnderWayACancelledSubscriptionIsToldNothingMore() async throws {
        try await storyOfOne { node in
            let (heard, own) = (Told<Event>(), Locked<EventSubscription?>(nil))
            let (gates, gate) = AsyncStream.makeStream(of: Void.self)
            let subscription = try node.subscribe { event in
                await heard.tell(event)
                if await heard.all.count == 1 { for await _ in gates {} } else { own.withLock { $0 }?.cancel() }
            }
            own.withLock { $0 = subscription }
            try await node.put("g", "c", "first", ["x": 1])
            _ = await heard.first(1)
            // These wait, and come as one batch.
            for number in 0..<20 { try await node.put("g", "c", "\(number)", ["x": 1]) }
            gate.finish()
            _ = await heard.first(2)
            _ = try await node.expect(\.changed) { try await node.put("g", "c", "after", ["x": 1]) }
            #expect(await heard.all.count == 2)
        }
    }

    @Test func aNodeThatIsClosedNeedNotBeTold() async throws {
        try await storyOfOne { node in
            await node.close()
            let (ends, end) = AsyncStream.makeStream(of: Void.self)
            let told = try await standardError {
                let teller = Teller<Pace> { [witness = Witness(end)] pace in
                    withExtendedLifetime(witness) {}
                    try await node.setPace(pace)
                }
                teller.tell(.background)
                // It lets go of all, though the teller is still there.
                for await _ in ends {}
                teller.tell(.foreground)
            }
            #expect(!told.contains("could not be told"))
        }
    }

    @Test func aLoopThatIsTooSlowIsToldSo() async throws {
        try await storyOfOne { node in
            let events = node.events
            for number in 0..<1500 { try await node.put("g", "c", "r", ["x": JSONValue(number)]) }
            for await event in events where event.kind == .resync { return }
            Issue.record("the events ended")
        }
    }

    @Test func streamsEndWithTheirNode() async throws {
        try await story { service in
            let node = try await node(service)
            try await node.createGroup("g")
            let (events, lists, changes) = (node.events, node.observe("g", "c"), node.changes("g", "c"))
            try await node.put("g", "c", "r", ["x": 1])
            await node.close()
            for await _ in events {}
            for try await _ in lists {}
            for try await _ in changes {}
            // There is nothing to hear of a node that is closed, and nothing to read.
            for await _ in node.events { Issue.record("an event of a closed node") }
            await fails(.closed) { for try await _ in node.observe("g", "c") {} }
            await fails(.closed) { _ = try node.subscribe { _ in } }
        }
    }

    private func name(_ number: Int) -> String { String(format: "%04d", number) }

    private func put(_ number: Int) -> Write { .put(collection: "c", id: name(number), fields: ["x": 1]) }
}

/// Says when nothing refers to it any more.
private final class Witness: Sendable {
    private let end: AsyncStream<Void>.Continuation

    init(_ end: AsyncStream<Void>.Continuation) {
        self.end = end
    }

    deinit {
        end.finish()
    }
}

/// What is written to standard error meanwhile.
private func standardError(_ body: () async throws -> Void) async throws -> String {
    let pipe = Pipe()
    let before = dup(STDERR_FILENO)
    dup2(pipe.fileHandleForWriting.fileDescriptor, STDERR_FILENO)
    defer { close(before) }
    do {
        try await body()
    } catch {
        dup2(before, STDERR_FILENO)
        throw error
    }
    dup2(before, STDERR_FILENO)
    try pipe.fileHandleForWriting.close()
    return String(decoding: try pipe.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
}
