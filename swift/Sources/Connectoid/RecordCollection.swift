/// A group by its name or id, which need not exist yet; made by ``Node/group(_:)``.
public struct GroupHandle: Sendable {
    let node: Node
    let group: String

    /// A collection of the group.
    public func collection(_ name: String) -> RecordCollection {
        RecordCollection(node: node, group: group, name: name)
    }
}

/// A collection of a group. What its methods do, the methods of ``Node`` of the same names do.
public struct RecordCollection: Sendable {
    let node: Node
    let group: String
    let name: String

    /// The same, with records as a type of the app: `node.group("shopping").collection("items").typed(Item.self)`.
    public func typed<T: Codable>(_ type: T.Type) -> TypedCollection<T> {
        TypedCollection(untyped: self)
    }

    /// As ``Node/record(_:_:_:)``.
    public func record(_ id: String) async throws -> Record? {
        try await node.record(group, name, id)
    }

    /// As ``Node/list(_:_:after:limit:)``.
    public func list(after: String? = nil, limit: Int = 1000) async throws -> [Record] {
        try await node.list(group, name, after: after, limit: limit)
    }

    /// As ``Node/put(_:_:_:_:)``: fields that are not named stay.
    public func put(_ id: String, _ fields: [String: JSONValue]) async throws {
        try await node.put(group, name, id, fields)
    }

    /// As ``Node/replace(_:_:_:_:)``: fields that are not named go.
    public func replace(_ id: String, _ fields: [String: JSONValue]) async throws {
        try await node.replace(group, name, id, fields)
    }

    /// As ``Node/removeFields(_:_:_:_:)``.
    public func removeFields(_ id: String, _ fields: [String]) async throws {
        try await node.removeFields(group, name, id, fields)
    }

    /// As ``Node/delete(_:_:_:)``.
    public func delete(_ id: String) async throws {
        try await node.delete(group, name, id)
    }

    /// As ``Node/history(_:_:_:)``.
    public func history(_ id: String) async throws -> [Version] {
        try await node.history(group, name, id)
    }

    /// As ``Node/observe(_:_:)``.
    public func observe() -> AsyncThrowingStream<[Record], any Error> {
        node.observe(group, name)
    }

    /// As ``Node/changes(_:_:)``.
    public func changes() -> AsyncThrowingStream<[RecordChange], any Error> {
        node.changes(group, name)
    }
}

/// A collection whose records are of one type of the app; made by ``RecordCollection/typed(_:)``.
///
/// ```swift
/// struct Item: Codable { var count: Int; var note: String? }
///
/// let items = node.group("shopping").collection("items").typed(Item.self)
/// try await items.put("milk", Item(count: 2))
/// for try await list in items.observe() { show(list.compactMap { try? $0.value }) }
/// ```
///
/// What becomes of `Data`, `Date` and the like: see ``Node/put(_:_:_:encoding:merging:)``.
public struct TypedCollection<T: Codable>: Sendable {
    /// The collection without a type.
    public let untyped: RecordCollection

    /// Reads a record; `nil` if there is none.
    ///
    /// - Throws: A `DecodingError` if it is not of this type; and as ``Node/record(_:_:_:)``.
    public func get(_ id: String) async throws -> T? {
        try await untyped.record(id)?.decode(T.self)
    }

    /// Reads records in the order of their ids. As ``Node/list(_:_:after:limit:)``.
    public func list(after: String? = nil, limit: Int = 1000) async throws -> [TypedRecord<T>] {
        try await untyped.list(after: after, limit: limit).map(TypedRecord.init)
    }

    /// Makes a record exactly this value: what is `nil` in it goes, and fields that this version of the type does not
    /// know go too. As ``Node/replace(_:_:_:_:)``.
    public func put(_ id: String, _ value: T) async throws {
        try await untyped.replace(id, try JSONCoding.fields(of: value))
    }

    /// Sets the fields that a value has; what is `nil` in it, or that it does not know, stays. As
    /// ``Node/put(_:_:_:_:)``.
    public func merge(_ id: String, _ value: T) async throws {
        try await untyped.put(id, try JSONCoding.fields(of: value))
    }

    /// As ``Node/delete(_:_:_:)``.
    public func delete(_ id: String) async throws {
        try await untyped.delete(id)
    }

    /// As ``Node/observe(_:_:)``. A record that is not of the type is among the others, and ends nothing.
    public func observe() -> AsyncThrowingStream<[TypedRecord<T>], any Error> {
        let source = Iteration(untyped.observe().makeAsyncIterator())
        return AsyncThrowingStream { try await source.next()?.map(TypedRecord.init) }
    }
}

/// A stream's iterator, for one loop after all.
private final class Iteration<Element: Sendable>: @unchecked Sendable {
    // Whoever iterates asks for one after the other, as the stream around this demands.
    private var iterator: AsyncThrowingStream<Element, any Error>.Iterator

    init(_ iterator: AsyncThrowingStream<Element, any Error>.Iterator) {
        self.iterator = iterator
    }

    func next() async throws -> Element? { try await iterator.next() }
}

/// A record that should be of a type of the app: a peer with another version of the app may have written it otherwise.
public struct TypedRecord<T: Decodable>: Sendable, Hashable, Identifiable {
    /// The record as it is.
    public let record: Record

    /// Its id.
    public var id: String { record.id }

    /// The record as the type. It is decoded each time that it is asked for: keep it.
    ///
    /// - Throws: A `DecodingError` if it is not of the type.
    public var value: T {
        get throws { try record.decode(T.self) }
    }

    init(_ record: Record) {
        self.record = record
    }
}
