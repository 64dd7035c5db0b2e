import Connectoid
import ConnectoidTestSupport
import Foundation
import Testing

@Suite struct TypedTests {
    struct Item: Codable, Equatable {
        var count: Int
        var note: String?
    }

    struct Thing: Codable, Equatable {
        enum Kind: String, Codable { case food, other }
        var kind: Kind
        var made: Date
        var key: UUID
        var photo: Data
    }

    struct Large: Codable {
        var number: UInt64
    }

    @Test func whatAValueDoesNotHaveGoesUnlessItIsMerged() async throws {
        try await storyOfOne { node in
            let raw = node.group("g").collection("c")
            let items = raw.typed(Item.self)
            try await items.put("milk", Item(count: 2, note: "oat"))
            try await items.merge("milk", Item(count: 3))
            #expect(try await items.get("milk") == Item(count: 3, note: "oat"))
            try await items.put("milk", Item(count: 3))
            #expect(try await raw.record("milk")?.fields == ["count": 3])
            try await raw.put("milk", ["note": nil])
            #expect(try await items.get("milk") == Item(count: 3))
            try await node.put("g", "c", "milk", encoding: Item(count: 4), merging: true)
            #expect(try await raw.record("milk")?.fields == ["count": 4, "note": nil])
            try await node.put("g", "c", "milk", encoding: Item(count: 4))
            #expect(try await raw.record("milk")?.fields == ["count": 4])
            try await raw.replace("milk", ["x": 1])
            try await raw.removeFields("milk", ["x", "never"])
            #expect(try await items.get("milk") == nil)
            let versions = try await raw.history("milk").filter { $0.field == "x" }
            #expect(versions.map(\.removed) == [true, false])
            await fails(.usage) { try await raw.removeFields("milk", []) }
            await fails(.usage) { try await raw.replace("milk", [:]) }
        }
    }

    @Test func whatIsOfAnotherTypeEndsNothing() async throws {
        try await storyOfOne { node in
            let raw = node.group("g").collection("c")
            let items = raw.typed(Item.self)
            try await raw.put("a", ["count": 1, "of a newer version": 7])
            try await raw.put("b", ["count": "many"])
            for try await list in items.observe() {
                #expect(list.map { try? $0.value } == [Item(count: 1), nil])
                break
            }
            #expect(try await items.list().map(\.id) == ["a", "b"])
            await #expect(throws: DecodingError.self) { try await items.get("b") }
        }
    }

    @Test func momentsNamesKeysAndBytesHaveOneForm() async throws {
        try await storyOfOne { node in
            let things = node.group("g").collection("c").typed(Thing.self)
            let made = Date(timeIntervalSince1970: 1_796_063_400.25)
            let thing = Thing(kind: .food, made: made, key: UUID(), photo: Data([1, 0xFF]))
            try await things.put("t", thing)
            let record = try #require(try await things.untyped.record("t"))
            #expect(record["made"] == "2026-11-30T18:30:00.250000Z" && record["kind"] == "food")
            #expect(record["photo"] == .bytes(Data([1, 0xFF])))
            let read = try #require(try await things.get("t"))
            #expect(read.kind == .food && read.key == thing.key && read.photo == thing.photo)
            #expect(abs(read.made.timeIntervalSince(made)) < 0.000_001)
            let others = [
                "2026-11-30T18:30:00Z": 0, "2026-11-30T19:30:00.5+01:00": 0.5,
                "2026-11-30T18:30:00.123456789Z": 0.123456789,
            ]
            for (text, after) in others {
                try await things.untyped.put("t", ["made": .string(text)])
                let moment = try #require(try await things.get("t")?.made)
                #expect(abs(moment.timeIntervalSince1970 - 1_796_063_400 - after) < 0.000_001)
            }
            try await things.untyped.put("t", ["made": "yesterday"])
            await #expect(throws: DecodingError.self) { try await things.get("t") }
        }
    }

    @Test func numbersThatWouldBeRoundedAreRefused() async throws {
        try await storyOfOne { node in
            for number in [1 << 53, UInt64(Int64.max) + 1, .max] {
                await fails(.usage) { try await node.put("g", "c", "r", encoding: Large(number: number)) }
            }
            let decimals = ["price": Decimal(string: "0.10000000000000000001")]
            await fails(.usage) { try await node.put("g", "c", "r", encoding: decimals) }
            await fails(.usage) { try await node.put("g", "c", "r", ["x": .number(-0.0)]) }
            try await node.put("g", "c", "r", encoding: Large(number: (1 << 53) - 1))
        }
    }
}
