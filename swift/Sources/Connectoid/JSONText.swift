import Foundation

/// No value nests deeper; the library takes less. So the stack suffices for whatever is read or written.
private let mostDepth = 128

/// No number has more digits that tell it from others.
private let mostDigits = 800

extension JSONValue {
    /// Reads JSON text (RFC 8259). Whole numbers become ``integer(_:)``, and objects that stand for bytes ``bytes(_:)``.
    ///
    /// - Throws: ``ConnectoidError/Kind-swift.enum/usage`` if it is no JSON, nests deeper than 128, or has a number that
    ///   would be rounded: a whole one beyond 64 bits, or one with more digits than a `Double` keeps.
    public init(json: String) throws {
        var json = json
        self = try json.withUTF8 { text in
            var reader = JSONReader(text: text)
            let value = try reader.value(depth: 0)
            reader.skipSpace()
            guard reader.at == text.count else { throw reader.malformed() }
            return value
        }
    }

    /// As JSON text.
    ///
    /// - Throws: ``ConnectoidError/Kind-swift.enum/usage`` if it has a number that is not finite, or nests deeper than
    ///   128.
    public func json() throws -> String {
        var writer = JSONWriter()
        try writer.write(self, depth: 0)
        return String(decoding: writer.text, as: UTF8.self)
    }
}

/// Whether a byte stands for something else than itself between quotation marks.
private func isSpecial(_ byte: UInt8) -> Bool {
    byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
}

private struct JSONReader {
    let text: UnsafeBufferPointer<UInt8>
    var at = 0

    init(text: UnsafeBufferPointer<UInt8>) {
        self.text = text
    }

    func malformed() -> ConnectoidError { .usage("this is no JSON, from byte \(at) on") }

    /// The byte here, or 0 at the end, which JSON allows nowhere.
    private var here: UInt8 { at < text.count ? text[at] : 0 }

    mutating func skipSpace() {
        while here == 0x20 || here == 0x0A || here == 0x0D || here == 0x09 { at += 1 }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard here == byte else { return false }
        at += 1
        return true
    }

    private mutating func expect(_ word: StaticString) throws {
        for byte in UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount) {
            guard take(byte) else { throw malformed() }
        }
    }

    mutating func value(depth: Int) throws -> JSONValue {
        guard depth <= mostDepth else { throw ConnectoidError.usage("this JSON nests too deep") }
        skipSpace()
        switch here {
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try array(depth: depth)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"):
            try expect("true")
            return .bool(true)
        case UInt8(ascii: "f"):
            try expect("false")
            return .bool(false)
        case UInt8(ascii: "n"):
            try expect("null")
            return .null
        default: return try number()
        }
    }

    private mutating func object(depth: Int) throws -> JSONValue {
        var fields: [String: JSONValue] = [:]
        try items(closedBy: UInt8(ascii: "}")) { reader in
            guard reader.here == UInt8(ascii: "\"") else { throw reader.malformed() }
            let name = try reader.string()
            reader.skipSpace()
            try reader.expect(":")
            fields[name] = try reader.value(depth: depth + 1)
        }
        return JSONValue.object(fields).withBytes
    }

    private mutating func array(depth: Int) throws -> JSONValue {
        var values: [JSONValue] = []
        try items(closedBy: UInt8(ascii: "]")) { reader in values.append(try reader.value(depth: depth + 1)) }
        return .array(values)
    }

    /// Reads what stands between brackets, with commas between.
    private mutating func items(closedBy end: UInt8, _ item: (inout Self) throws -> Void) throws {
        at += 1
        skipSpace()
        if take(end) { return }
        repeat {
            skipSpace()
            try item(&self)
            skipSpace()
        } while take(UInt8(ascii: ","))
        guard take(end) else { throw malformed() }
    }

    private mutating func string() throws -> String {
        at += 1
        let start = at
        at = text[start...].firstIndex(where: isSpecial) ?? text.count
        if here == UInt8(ascii: "\"") {
            defer { at += 1 }
            return String(decoding: text[start..<at], as: UTF8.self)
        }
        return try escapedString(from: start)
    }

    private mutating func escapedString(from start: Int) throws -> String {
        var bytes = Array(text[start..<at])
        while !take(UInt8(ascii: "\"")) {
            if take(UInt8(ascii: "\\")) {
                bytes.append(contentsOf: String(try escape()).utf8)
            } else {
                guard here >= 0x20 else { throw malformed() }
                bytes.append(here)
                at += 1
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private mutating func escape() throws -> Unicode.Scalar {
        defer { at += 1 }
        switch here {
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(here)
        case UInt8(ascii: "u"):
            at += 1
            let scalar = try codePoint()
            // The last digit is skipped above.
            at -= 1
            return scalar
        default: throw malformed()
        }
    }

    /// A code point by one unit of UTF-16, or two.
    private mutating func codePoint() throws -> Unicode.Scalar {
        let first = try unit()
        if let scalar = Unicode.Scalar(first) { return scalar }
        try expect("\\u")
        let second = try unit()
        guard (0xD800..<0xDC00).contains(first), (0xDC00..<0xE000).contains(second),
            let scalar = Unicode.Scalar(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00))
        else { throw malformed() }
        return scalar
    }

    private mutating func unit() throws -> UInt32 {
        var unit: UInt32 = 0
        for _ in 0..<4 {
            guard let digit = Character(Unicode.Scalar(here)).hexDigitValue else { throw malformed() }
            unit = unit << 4 | UInt32(digit)
            at += 1
        }
        return unit
    }

    private mutating func number() throws -> JSONValue {
        let start = at
        _ = take(UInt8(ascii: "-"))
        // No zero stands before other digits.
        if !take(UInt8(ascii: "0")) { try digits() }
        var whole = true
        if take(UInt8(ascii: ".")) {
            whole = false
            try digits()
        }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            whole = false
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            try digits()
        }
        let digits = String(decoding: text[start..<at], as: UTF8.self)
        if whole, let integer = Int64(digits) {
            guard integer != 0 || !digits.hasPrefix("-") else { return .number(-0.0) }
            return .integer(integer)
        }
        guard let number = Double(digits), !whole, keeps(number, digits) else {
            throw ConnectoidError.usage("a number that would be rounded, from byte \(start) on; write it as text")
        }
        return .number(number)
    }

    /// Whether a number, written with as many significant digits as a text, is what the text says.
    private func keeps(_ number: Double, _ text: String) -> Bool {
        let digits = text.prefix { $0 != "e" && $0 != "E" }.filter { $0.isNumber }
        let zeros: (Character) -> Bool = { $0 == "0" }
        let significant = String(String(digits.drop(while: zeros)).reversed().drop(while: zeros).reversed())
        guard number.isFinite, significant.count <= mostDigits else { return false }
        guard number != 0, !significant.isEmpty else { return number == 0 && significant.isEmpty }
        // What is printed of it is never refused, however a middle is rounded.
        return [String(format: "%.*e", significant.count - 1, number.magnitude), number.magnitude.description].contains
        {
            let written = $0.prefix { $0 != "e" }.filter { $0.isNumber }.drop(while: zeros)
            return String(written.reversed().drop(while: zeros).reversed()) == significant
        }
    }

    private mutating func digits() throws {
        let start = at
        while (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(here) { at += 1 }
        guard at > start else { throw malformed() }
    }
}

private struct JSONWriter {
    var text: [UInt8] = []

    mutating func write(_ value: JSONValue, depth: Int) throws {
        guard depth <= mostDepth else { throw ConnectoidError.usage("this value nests too deep") }
        switch value {
        case .null: text.append(contentsOf: "null".utf8)
        case let .bool(bool): text.append(contentsOf: (bool ? "true" : "false").utf8)
        case let .integer(integer): text.append(contentsOf: String(integer).utf8)
        case let .number(number):
            guard number.isFinite else { throw ConnectoidError.usage("a number is not finite") }
            text.append(contentsOf: number.description.utf8)
        case let .string(string): write(string)
        case let .bytes(bytes):
            guard depth < mostDepth else { throw ConnectoidError.usage("this value nests too deep") }
            text.append(contentsOf: "{\"\(Base64URL.name)\":\"".utf8)
            text.append(contentsOf: Base64URL.encode(bytes))
            text.append(contentsOf: "\"}".utf8)
        case let .array(array):
            try write(array, between: "[", "]") { writer, item in try writer.write(item, depth: depth + 1) }
        case let .object(object):
            try write(object, between: "{", "}") { writer, field in
                writer.write(field.key)
                writer.text.append(UInt8(ascii: ":"))
                try writer.write(field.value, depth: depth + 1)
            }
        }
    }

    private mutating func write<Items: Collection>(
        _ items: Items, between open: Unicode.Scalar, _ close: Unicode.Scalar,
        _ item: (inout Self, Items.Element) throws -> Void
    ) throws {
        text.append(UInt8(ascii: open))
        var first = true
        for each in items {
            if !first { text.append(UInt8(ascii: ",")) }
            first = false
            try item(&self, each)
        }
        text.append(UInt8(ascii: close))
    }

    private mutating func write(_ string: String) {
        var string = string
        text.append(UInt8(ascii: "\""))
        string.withUTF8 { bytes in
            var rest = bytes[...]
            // What needs no escape is copied at once.
            while let special = rest.firstIndex(where: isSpecial) {
                text.append(contentsOf: rest[..<special])
                escape(rest[special])
                rest = rest[(special + 1)...]
            }
            text.append(contentsOf: rest)
        }
        text.append(UInt8(ascii: "\""))
    }

    private mutating func escape(_ byte: UInt8) {
        if byte >= 0x20 { return text.append(contentsOf: [UInt8(ascii: "\\"), byte]) }
        let digits = String(byte, radix: 16)
        text.append(contentsOf: "\\u\(String(repeating: "0", count: 4 - digits.count))\(digits)".utf8)
    }
}
