import Foundation

/// A value of a record's field: what JSON can say, and bytes.
///
/// Literals do: `["name": "oat milk", "count": 2, "tags": ["cold", nil]]`.
///
/// - Note: Names of fields that differ only in how Unicode composes them are the same to Swift, and so are here.
public enum JSONValue: Sendable, Hashable {
    /// Nothing, which is not the same as no field.
    case null
    /// Yes or no.
    case bool(Bool)
    /// A whole number; the library stores those below 2^53 in size.
    case integer(Int64)
    /// Another number.
    case number(Double)
    /// Text.
    case string(String)
    /// Bytes; in JSON, `{"$bytes": "<base64url>"}`.
    case bytes(Data)
    /// Values in an order.
    case array([JSONValue])
    /// Values by their names.
    case object([String: JSONValue])
}

extension JSONValue {
    /// A whole number.
    public init(_ value: Int) { self = .integer(Int64(value)) }

    /// Whether this is ``null``.
    public var isNull: Bool { self == .null }

    /// Yes or no, if it is that.
    public var bool: Bool? {
        if case let .bool(value) = self { value } else { nil }
    }

    /// A whole number, if it is one.
    public var int: Int? {
        if case let .integer(value) = self { Int(exactly: value) } else { nil }
    }

    /// A number, if it is one, whole or not.
    public var double: Double? {
        switch self {
        case let .integer(value): Double(value)
        case let .number(value): value
        default: nil
        }
    }

    /// Text, if it is that.
    public var string: String? {
        if case let .string(value) = self { value } else { nil }
    }

    /// Bytes, if it is that.
    public var bytes: Data? {
        if case let .bytes(value) = self { value } else { nil }
    }

    /// Values in an order, if it is that.
    public var array: [JSONValue]? {
        if case let .array(value) = self { value } else { nil }
    }

    /// Values by their names, if it is that.
    public var object: [String: JSONValue]? {
        if case let .object(value) = self { value } else { nil }
    }

    /// What an object has under a name.
    public subscript(name: String) -> JSONValue? { object?[name] }
}

extension JSONValue: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByFloatLiteral, ExpressibleByStringInterpolation, ExpressibleByArrayLiteral,
    ExpressibleByDictionaryLiteral
{
    public init(nilLiteral: ()) { self = .null }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(integerLiteral value: Int64) { self = .integer(value) }
    public init(floatLiteral value: Double) { self = .number(value) }
    public init(stringLiteral value: String) { self = .string(value) }
    public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }

    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        self = .object(Dictionary(elements) { _, last in last })
    }
}

extension JSONValue: Codable {
    public init(from decoder: any Decoder) throws {
        if let object = try? decoder.container(keyedBy: Name.self) {
            let fields = try object.allKeys.map { ($0.stringValue, try object.decode(JSONValue.self, forKey: $0)) }
            self = JSONValue.object(Dictionary(fields) { _, last in last }).withBytes
        } else if var array = try? decoder.unkeyedContainer() {
            var values: [JSONValue] = []
            while !array.isAtEnd { values.append(try array.decode(JSONValue.self)) }
            self = .array(values)
        } else {
            self = try Self.scalar(of: try decoder.singleValueContainer())
        }
    }

    private static func scalar(of value: any SingleValueDecodingContainer) throws -> Self {
        if value.decodeNil() { return .null }
        if let value = try? value.decode(Bool.self) { return .bool(value) }
        if let value = try? value.decode(Int64.self) { return .integer(value) }
        if (try? value.decode(UInt64.self)) != nil {
            throw DecodingError.dataCorruptedError(in: value, debugDescription: "an integer that is too great to keep")
        }
        if let value = try? value.decode(Double.self) { return .number(value) }
        return .string(try value.decode(String.self))
    }

    public func encode(to encoder: any Encoder) throws {
        var value = encoder.singleValueContainer()
        switch self {
        case .null: try value.encodeNil()
        case let .bool(bool): try value.encode(bool)
        case let .integer(integer): try value.encode(integer)
        case let .number(number): try value.encode(number)
        case let .string(string): try value.encode(string)
        case let .bytes(bytes): try value.encode(Base64URL.tagged(bytes))
        case let .array(array): try value.encode(array)
        case let .object(object): try value.encode(object)
        }
    }

    /// Any name of a field.
    private struct Name: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }
}

/// Bytes as JSON says them here.
enum Base64URL {
    /// By this name JSON marks bytes.
    static let name = "$bytes"

    static func tagged(_ data: Data) -> [String: String] { [name: String(decoding: encode(data), as: UTF8.self)] }

    static func encode(_ data: Data) -> Data {
        var text = data.base64EncodedData()
        while text.last == UInt8(ascii: "=") { text.removeLast() }
        replace("+", by: "-", and: "/", by: "_", in: &text)
        return text
    }

    static func decode(_ string: String) -> Data? {
        var text = Data(string.utf8)
        replace("-", by: "+", and: "_", by: "/", in: &text)
        text.append(contentsOf: repeatElement(UInt8(ascii: "="), count: (4 - text.count % 4) % 4))
        return Data(base64Encoded: text)
    }

    // Byte by byte, in place: to replace parts of a text takes Foundation a hundred times as long.
    private static func replace(
        _ first: Unicode.Scalar, by newFirst: Unicode.Scalar, and second: Unicode.Scalar, by newSecond: Unicode.Scalar,
        in text: inout Data
    ) {
        let (first, newFirst) = (UInt8(ascii: first), UInt8(ascii: newFirst))
        let (second, newSecond) = (UInt8(ascii: second), UInt8(ascii: newSecond))
        text.withUnsafeMutableBytes { bytes in
            for at in 0..<bytes.count {
                let byte = bytes[at]
                bytes[at] = byte == first ? newFirst : byte == second ? newSecond : byte
            }
        }
    }
}

extension JSONValue {
    /// An object that stands for bytes, as bytes.
    var withBytes: JSONValue {
        guard case let .object(object) = self, object.count == 1, let text = object[Base64URL.name]?.string,
            let bytes = Base64URL.decode(text)
        else { return self }
        return .bytes(bytes)
    }
}
