@testable import Connectoid
import ConnectoidTestSupport
import Foundation
import Testing

@Suite struct RecordsTests {
    struct Item: Codable, Equatable {
        var name: String
        var count: Int
        var photo: Data?
        var extra: JSONValue?
    }

    @Test func unicodeAndLargeValuesArriveAsTheyAre() async throws {
        try await storyOfTwo { alice, bob in
            let text = "e\u{301} ü 你好 שלום 👩‍👩‍👧 \u{0} \u{2028} 😀 \" \\ \n"
            let large = String(repeating: "ä", count: 100_000)
            let bytes = Data((0..<1000).map { UInt8(truncatingIfNeeded: $0) })
            let fields: [String: JSONValue] = [
                text: .string(text), "large": .string(large), "bytes": .bytes(bytes), "nothing": nil,
                "list": [1, 1.5, true],
            ]
            try await alice.put("g", "c", "ключ 🔑", fields)
            let record = try await bob.eventually { try await bob.record("g", "c", "ключ 🔑") }
            // Swift takes texts for equal that Unicode composes differently.
            #expect(record[text]?.string.map { Array($0.utf8) } == Array(text.utf8))
            #expect(record["large"]?.string == large && record["large"]?.bytes == nil)
            #expect(record["bytes"]?.bytes == bytes)
            #expect(record["nothing"]?.isNull == true && record["no such"] == nil)
            #expect(record["list"] == [1, 1.5, true] && record["list"]?.array?.first?.int == 1)
            #expect(try await bob.record("g", "c", "ключ") == nil)
        }
    }

    @Test func typesOfTheAppAreStoredAndReadBack() async throws {
        try await storyOfOne { node in
            let item = Item(name: "milk", count: 2, photo: Data([0xFB, 0xFF, 0]), extra: ["deep": [1, nil, 0.5, "x"]])
            try await node.put("g", "c", "milk", encoding: item)
            let record = try #require(try await node.record("g", "c", "milk"))
            #expect(try record.decode(Item.self) == item)
            #expect(record["photo"] == .bytes(Data([0xFB, 0xFF, 0])))
            try await node.commit("g", [.put(collection: "c", id: "tea", encoding: Item(name: "tea", count: 1))])
            #expect(try await node.list("g", "c").map { try $0.decode(Item.self).count } == [2, 1])
            try await node.put("g", "c", "milk", ["count": "two"])
            let changed = try #require(try await node.record("g", "c", "milk"))
            #expect(throws: DecodingError.self) { try changed.decode(Item.self) }
            await fails(.usage) { try await node.put("g", "c", "r", encoding: [1, 2]) }
        }
    }

    @Test func severalWritesAreOneOrNone() async throws {
        try await storyOfOne { node in
            func put(_ id: String, _ fields: [String: JSONValue] = ["x": 1]) -> Write {
                .put(collection: "c", id: id, fields: fields)
            }
            try await node.commit("g", [put("a"), put("b")])
            try await node.commit("g", [put("b"), .delete(collection: "c", id: "a")])
            #expect(try await node.list("g", "c").map(\.id) == ["b"])
            await fails(.usage) { try await node.commit("g", [put("c"), put("d", ["x": .integer(1 << 53)])]) }
            await fails(.usage) { try await node.commit("g", [put("c"), put("d", ["x": .number(.nan)])]) }
            #expect(try await node.list("g", "c").map(\.id) == ["b"])
            await fails(.usage) { try await node.commit("g", Array(repeating: put("a"), count: 1001)) }
            await fails(.usage) {
                try await node.put("g", "c", "a", ["x": .string(String(repeating: "y", count: 2 << 20))])
            }
            await fails(.usage) { try await node.put("g", String(repeating: "x", count: 5000), "a", ["x": 1]) }
        }
    }

    @Test func whatNestsTooDeepIsRefused() async throws {
        try await storyOfOne { node in
            for depth in [20, 200] {
                var value: JSONValue = 1
                for _ in 0..<depth { value = [value] }
                await fails(.usage) { try await node.put("g", "c", "r", ["x": value]) }
            }
        }
    }

    @Test func aListComesInPagesInTheOrderOfItsIds() async throws {
        try await storyOfOne { node in
            // By UTF-8 the emoji is last; by UTF-16 units the private character were. The two kinds of é are two.
            let ids = ["a", "b", "e\u{301}", "é", "\u{E000}", "😀"]
            for (place, id) in ids.enumerated().reversed() { try await node.put("g", "c", id, ["n": JSONValue(place)]) }
            #expect(try await node.list("g", "c").map { Array($0.id.utf8) } == ids.map { Array($0.utf8) })
            #expect(ids.shuffled().sorted(by: precedes).map { Array($0.utf8) } == ids.map { Array($0.utf8) })
            #expect(try await node.list("g", "c", after: "a", limit: 2).map(\.id) == ["b", "e\u{301}"])
            #expect(try await node.list("g", "c", after: "b").first?["n"]?.int == 2)
            for try await records in node.observe("g", "c") {
                #expect(records.map { Array($0.id.utf8) } == ids.map { Array($0.utf8) })
                break
            }
            await fails(.usage) { _ = try await node.list("unknown", "c") }
            await fails(.usage) { _ = try await node.list("g", "c", limit: -1) }
        }
    }

    @Test func aDeletedRecordHasAHistory() async throws {
        try await storyOfOne { node in
            try await node.put("g", "c", "r", ["x": 1])
            try await node.delete("g", "c", "r")
            #expect(try await node.record("g", "c", "r") == nil)
            let versions = try await node.history("g", "c", "r")
            #expect(versions.first { $0.field == "x" }?.value == 1)
            #expect(versions.first { $0.field == nil }?.winning == true)
        }
    }
}
