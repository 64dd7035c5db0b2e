import Connectoid
import Foundation
import Testing

@Suite struct JSONTests {
    private static let texts: [(String, JSONValue)] = [
        ("null", .null), ("true", true), (" [ ] ", []), ("{}", [:]), ("-0", -0.0), ("12", 12), ("1e2", 100.0),
        ("-1.5E-1", -0.15), ("9223372036854775807", .integer(.max)), ("9223372036854775808.0", .number(0x1p63)),
        ("0.1", 0.1), ("1e23", 1e23),
        (#""a\"\\\/\b\f\n\r\t\u00e9\uD83D\uDE00""#, "a\"\\/\u{8}\u{C}\n\r\té😀"),
        (#"{"a":[1,{"b":null}],"c":"d"}"#, ["a": [1, ["b": nil]], "c": "d"]),
        (#"{"$bytes":"-_8"}"#, .bytes(Data([0xFB, 0xFF]))), (#"{"$bytes":"?"}"#, ["$bytes": "?"]),
        (#"{"$bytes":"AA","x":1}"#, ["$bytes": "AA", "x": 1]),
    ]

    @Test(arguments: texts)
    func isRead(text: String, value: JSONValue) throws {
        #expect(try JSONValue(json: text) == value)
        #expect(try JSONValue(json: value.json()) == value)
    }

    @Test(arguments: [
        "", " ", "nul", "truex", "1 2", "01", "-", "1.", ".5", "1e", "+1", "1e999", "[1,]", "[1", "{\"a\"}",
        "9223372036854775808", "18446744073709551616", "9007199254740993.0", "0.10000000000000000001", "1e-400",
        "{\"a\":1,}", "{a:1}", "\"", "\"\n\"", #""\x""#, #""\u12"#, #""\ud800""#, #""\ud800\u0041""#, "[1}", "\u{0}",
        "1\u{0}",
        String(repeating: "[", count: 100_000),
    ])
    func isRefused(text: String) async {
        await fails(.usage) { _ = try JSONValue(json: text) }
    }

    @Test func anotherCoderReadsTheSame() throws {
        let value: JSONValue = [
            "a": [1, nil, 1.5, true, "x\u{1}\u{1F}\u{7F}"], "b": .bytes(Data(0...255)), "c": ["d": [:]],
            "e": .integer(-7),
        ]
        #expect(try JSONDecoder().decode(JSONValue.self, from: Data(value.json().utf8)) == value)
        #expect(try JSONValue(json: String(decoding: JSONEncoder().encode(value), as: UTF8.self)) == value)
    }
}
