import Connectoid
import ConnectoidBindings
import ConnectoidTestSupport
import Foundation

/// Measures what crossing between Swift and Rust costs. No test: `cargo xtask figures swift` runs it.
@main struct Figures {
    static func main() async throws {
        try await callsAndCallbacks()
        try await callbacksAlone()
        try await bytes()
        try await longLists()
        try await messages()
    }

    private static func callsAndCallbacks() async throws {
        try await storyOfOne { node in
            let code = try ConnectoidBindings.Qr(link: "x")
            try await each("a call that returns a text of 2 KiB", 20_000) { _ = try code.svg() }
            try await node.put("g", "c", "r", ["count": 2, "name": "milk"])
            try await each("a call that reads a record", 20_000) {
                _ = try await node.record("g", "c", "r")
            }
            try await each("a call that reads a record, decoded into a struct", 5_000) {
                _ = try await node.record("g", "c", "r")?.decode(Item.self)
            }
            try await each("a call that the engine answers", 5_000) { _ = try await node.groups() }
            try await each("a write", 2_000) { try await node.put("g", "c", "r", ["count": 3]) }
            var events = node.events.makeAsyncIterator()
            try await each("a write, and its event", 2_000) {
                try await node.put("g", "c", "r", ["count": 4])
                _ = await events.next()
            }
            try await manyEvents(of: node)
        }
    }

    private static func manyEvents(of node: Connectoid.Node) async throws {
        let (count, batch) = (20_000, 100)
        let events = node.events
        let listening = Task {
            var heard = 0
            for await _ in events {
                heard += 1
                if heard == count { break }
            }
        }
        let time = try await ContinuousClock().measure {
            for _ in 0..<count / batch {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for number in 0..<batch { group.addTask { try await node.put("g", "c", "\(number)", ["n": 1]) } }
                    try await group.waitForAll()
                }
            }
            await listening.value
        }
        tell("an event of many, with the write that causes it", time / count)
    }

    private static func callbacksAlone() async throws {
        let (more, count) = (50, 200)
        try await storyOfOne { node in
            let (told, hear) = AsyncStream<Void>.makeStream()
            var heard = told.makeAsyncIterator()
            var handles: [EventSubscription] = []
            func heardBy(_ listeners: Int) async throws -> Duration {
                while handles.count < listeners { handles.append(try node.subscribe { _ in hear.yield() }) }
                func writes() async throws {
                    for number in 0..<count {
                        try await node.put("g", "c", "r", ["count": JSONValue(number)])
                        for _ in 0..<listeners { _ = await heard.next() }
                    }
                }
                try await writes()
                return try await ContinuousClock().measure { try await writes() } / count
            }
            let one = try await heardBy(1)
            tell("a callback: an event told to one more listener", (try await heardBy(1 + more) - one) / more)
            handles.forEach { $0.cancel() }
        }
    }

    private static func bytes() async throws {
        try await storyOfOne { node in
            let bytes = Data(repeating: 7, count: 128 << 10)
            try await best("1 MiB of bytes in 8 records, written and read back", of: 30) {
                for number in 0..<8 { try await node.put("g", "c", "\(number)", ["data": .bytes(bytes)]) }
                for number in 0..<8 {
                    let read = try await node.record("g", "c", "\(number)")?.fields["data"]?.bytes
                    precondition(read?.count == bytes.count)
                }
            }
        }
    }

    private struct Item: Codable {
        var name: String
        var count: Int
    }

    private static func longLists() async throws {
        try await storyOfOne { node in
            for page in 0..<10 {
                try await node.commit(
                    "g",
                    (0..<1000).map {
                        let number = page * 1000 + $0
                        return .put(
                            collection: "c", id: String(format: "%05d", number),
                            fields: ["name": "milk \(number)", "count": JSONValue(number)])
                    })
            }
            let list: @Sendable () async throws -> [Connectoid.Record] = {
                try await node.list("g", "c", limit: 10_000)
            }
            _ = try await list()
            try await best("a list of 10,000 records, as they come") { _ = try await list() }
            try await best("a list of 10,000 records, with all fields") {
                for record in try await list() { _ = record.fields }
            }
            try await best("a list of 10,000 records, decoded into structs") {
                for record in try await list() { _ = try record.decode(Item.self) }
            }
            try await best("observing 10,000 records until the list is there") {
                for try await list in node.observe("g", "c") where list.count == 10_000 { break }
            }
        }
    }

    private static func messages() async throws {
        // Messages under way at the same time.
        let window = 8
        try await storyOfTwo { alice, bob in
            let message = Data(count: 256 << 10)
            @Sendable func send(_ count: Int) async throws {
                let events = bob.events
                let listening = Task {
                    var left = count
                    for await event in events {
                        if case .message = event.kind { left -= 1 }
                        if left == 0 { break }
                    }
                }
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<window {
                        group.addTask { for _ in 0..<count / window { try await alice.send("bob", message) } }
                    }
                    try await group.waitForAll()
                }
                await listening.value
            }
            try await send(64)
            let time = try await ContinuousClock().measure { try await send(256) }
            print(padded("64 MiB as messages of 256 KiB"), String(format: "%8.0f MB/s", 67.1 / (time / .seconds(1))))
        }
    }

    private static func each(_ what: String, _ count: Int, _ work: () async throws -> Void) async throws {
        for _ in 0..<count / 2 { try await work() }
        let time = try await ContinuousClock().measure { for _ in 0..<count { try await work() } }
        tell(what, time / count)
    }

    private static func best(_ what: String, of count: Int = 5, _ work: () async throws -> Void) async throws {
        var times: [Duration] = []
        for _ in 0..<count { times.append(try await ContinuousClock().measure(work)) }
        tell(what, times.min() ?? .zero)
    }

    private static func tell(_ what: String, _ time: Duration) {
        print(padded(what), String(format: "%8.2f µs", time / .microseconds(1)))
    }

    private static func padded(_ text: String) -> String {
        text.padding(toLength: 55, withPad: " ", startingAt: 0)
    }
}
