import Foundation
internal import ConnectoidBindings

/// A record.
public struct Record: Sendable, Hashable, Identifiable {
    /// Its id, unique in its collection.
    public let id: String
    /// Its fields as JSON text.
    public let json: String

    /// Its fields: `record.fields["count"]?.int`. They are parsed each time that they are asked for: keep them, or
    /// ``decode(_:)`` the record.
    public var fields: [String: JSONValue] {
        // The library wrote it, and writes JSON objects only.
        (try? JSONValue(json: json))?.object ?? [:]
    }

    /// A field; `nil` if there is none. Parses the record, as ``fields`` does.
    public subscript(field: String) -> JSONValue? { fields[field] }

    /// The fields as a type of the app: `let item = try record.decode(Item.self)`. `Data` is read from bytes, `Date` from
    /// text as in RFC 3339; fields that the type does not know are left out.
    ///
    /// - Throws: A `DecodingError` if the fields do not fit.
    public func decode<T: Decodable>(_ type: T.Type) throws -> T {
        try JSONCoding.decoder().decode(type, from: Data(json.utf8))
    }
}

/// One record of a collection as it is now.
public struct RecordChange: Sendable, Hashable, Identifiable {
    /// The record's id.
    public let id: String
    /// The record; `nil` if it was deleted.
    public let record: Record?
}

/// One write of a ``Node/commit(_:_:)``.
public enum Write: Sendable, Hashable {
    /// Sets fields of a record; fields that are not named stay.
    case put(collection: String, id: String, fields: [String: JSONValue])
    /// Makes a record exactly this: fields that are not named go. Only what differs is written.
    case replace(collection: String, id: String, fields: [String: JSONValue])
    /// Removes fields of a record, whether it has them or not.
    case removeFields(collection: String, id: String, fields: [String])
    /// Deletes a record.
    case delete(collection: String, id: String)

    /// Makes a record exactly what a value of the app is; if `merging`, what is `nil` in it stays.
    ///
    /// - Throws: An `EncodingError` if it cannot be said as JSON, ``ConnectoidError`` if it is no JSON object.
    public static func put(
        collection: String, id: String, encoding value: some Encodable, merging: Bool = false
    ) throws -> Self {
        let fields = try JSONCoding.fields(of: value)
        return merging
            ? .put(collection: collection, id: id, fields: fields)
            : .replace(collection: collection, id: id, fields: fields)
    }
}

/// One version of one field, or of a record's deletion.
public struct Version: Sendable, Hashable {
    /// The field; `nil` for a deletion.
    public let field: String?
    /// The value; `nil` for a deletion, where the field was removed, and if it is left out.
    public let value: JSONValue?
    /// Whether the value is not shown: there are more than 4 MiB of them, and the winning ones come first.
    public let leftOut: Bool
    /// Whether this took the field away, or the whole record.
    public let removed: Bool
    /// The user who wrote it.
    public let author: String
    /// What this node calls that user.
    public let nickname: String?
    /// When it was written, by the writer's clock.
    public let stamp: Date
    /// Whether this is what a reader sees.
    public let winning: Bool
    /// Why it lost, if it did.
    public let why: String?
    /// Until when a losing version is kept.
    public let keptUntil: Date?
}

extension Record {
    init(_ record: ConnectoidBindings.Record) {
        self.init(id: record.id, json: record.fields)
    }
}

extension RecordChange {
    init(_ observed: ConnectoidBindings.Observed) {
        self.init(id: observed.id, record: observed.record.map(Record.init))
    }
}

extension ConnectoidBindings.Write {
    init(_ write: Write) throws {
        switch write {
        case let .put(collection, id, fields):
            self = .put(collection: collection, id: id, fields: try JSONValue.object(fields).json())
        case let .replace(collection, id, fields):
            self = .replace(collection: collection, id: id, fields: try JSONValue.object(fields).json())
        case let .removeFields(collection, id, fields):
            self = .removeFields(collection: collection, id: id, fields: fields)
        case let .delete(collection, id):
            self = .delete(collection: collection, id: id)
        }
    }
}

extension ConnectoidBindings.Write {
    /// In bytes, of what can be long.
    var length: Int {
        switch self {
        case let .put(_, _, fields), let .replace(_, _, fields): fields.utf8.count
        case let .removeFields(_, _, fields): fields.reduce(0) { sum, field in sum + field.utf8.count }
        case .delete: 0
        }
    }
}

extension Version {
    init(_ version: ConnectoidBindings.Version) throws {
        self.init(
            field: version.field,
            value: try version.value.map(JSONValue.init(json:)),
            leftOut: version.leftOut,
            removed: version.removed,
            author: version.author,
            nickname: version.nickname,
            stamp: version.stamp,
            winning: version.winning,
            why: version.why,
            keptUntil: version.keptUntil
        )
    }
}
