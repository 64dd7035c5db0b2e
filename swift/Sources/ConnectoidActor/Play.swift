import Connectoid
import Foundation

/// Calls the method that a `Call` names, and says what it returns as a `Reply`.
func play(_ call: JSONValue, _ id: Int, on node: Node) async throws -> JSONValue {
    switch try call.text("method") {
    case "share", "open", "peers", "unshare", "connect", "disconnect", "verify", "confirm_verify":
        return try await playPeople(call, on: node)
    case "create_group", "groups", "add_member", "remove_member", "accept_invitation", "leave_group", "forget_group":
        return try await playGroups(call, on: node)
    case "commit", "get", "list", "history", "changes":
        return try await playRecords(call, id, on: node)
    case "send":
        try await node.send(try call.text("nickname"), try Base64URL.decode(call["data"]?.string ?? ""))
        return done
    case "doctor": return try await node.diagnose(call["nickname"]?.string).json
    case "set_pace":
        try await node.setPace(call["pace"] == "background" ? .background : .foreground)
        return done
    case "network_changed":
        try await node.networkChanged()
        return done
    case "sync_now":
        try await node.syncNow()
        return done
    case "user_id": return ["reply": "user", "id": .string(node.userId)]
    case "qr":
        let code = try QRCode(try call.text("link"))
        let image = call["format"] == "png" ? try code.png(scale: call["scale"]?.int ?? 8) : Data(try code.svg.utf8)
        return ["reply": "image", "data": .string(Base64URL.encode(image))]
    case let method: throw Misunderstood("there is no method \(method)")
    }
}

private func playPeople(_ call: JSONValue, on node: Node) async throws -> JSONValue {
    if call["method"] == "peers" {
        return ["reply": "peers", "peers": .array(try await node.peers().map(\.json))]
    }
    let nickname = try call.text("nickname")
    switch try call.text("method") {
    case "share": return try await share(call, with: nickname, on: node)
    case "open" where call["in_person"] == true:
        try await node.openLinkInPerson(try call.text("link"), nickname: nickname)
    case "open": try await node.openLink(try call.text("link"), nickname: nickname)
    case "unshare": try await node.unshare(nickname)
    case "connect": try await node.connect(nickname)
    case "disconnect": try await node.disconnect(nickname)
    case "verify": try await node.verify(nickname)
    default: try await node.confirmVerify(nickname, same: call["same"] == true)
    }
    return done
}

private func share(_ call: JSONValue, with nickname: String, on node: Node) async throws -> JSONValue {
    let shared = try await node.share(
        nickname,
        group: try call.text("group"),
        role: Role(call["role"]),
        expiresIn: call["expires_in"]?.int.map { .seconds($0) },
        services: call["services"]?.array?.compactMap(\.string) ?? [],
        linkBase: call["link_base"]?.string,
        placement: call["placement"] == "query" ? .query : .fragment
    )
    return [
        "reply": "link", "link": .string(shared.link), "expires": shared.expires.json, "group": .string(shared.group),
    ]
}

private func playGroups(_ call: JSONValue, on node: Node) async throws -> JSONValue {
    switch try call.text("method") {
    case "create_group": return ["reply": "group", "id": .string(try await node.createGroup(try call.text("name")))]
    case "groups": return ["reply": "groups", "groups": .array(try await node.groups().map(\.json))]
    case "add_member":
        let (nickname, group) = (try call.text("nickname"), try call.text("group"))
        try await node.addMember(nickname, group: group, role: Role(call["role"]))
    case "accept_invitation": try await node.acceptInvitation(try call.text("group"))
    case "leave_group": try await node.leaveGroup(try call.text("group"))
    case "forget_group": try await node.forgetGroup(try call.text("group"))
    default: try await node.removeMember(try call.text("nickname"), group: try call.text("group"))
    }
    return done
}

private func playRecords(_ call: JSONValue, _ id: Int, on node: Node) async throws -> JSONValue {
    let group = try call.text("group")
    if call["method"] == "commit" {
        try await node.commit(group, try (call["writes"]?.array ?? []).map(Write.init))
        return done
    }
    let collection = try call.text("collection")
    switch try call.text("method") {
    case "get":
        let record = try await node.record(group, collection, try call.text("id"))
        return ["reply": "record", "record": record?.value ?? nil]
    case "list":
        let (after, limit) = (call["after"]?.string, call["limit"]?.int ?? 1000)
        let records = try await node.list(group, collection, after: after, limit: limit)
        return ["reply": "records", "records": .array(records.map(\.value))]
    case "history":
        let versions = try await node.history(group, collection, try call.text("id"))
        return ["reply": "history", "versions": .array(versions.map(\.json))]
    default: return try await follow(group, collection, id, on: node)
    }
}

/// Says pages until it is cancelled or the node is closed.
private func follow(_ group: String, _ collection: String, _ id: Int, on node: Node) async throws -> JSONValue {
    for try await changes in node.changes(group, collection) {
        let records = changes.map { ["id": .string($0.id), "record": $0.record?.value ?? nil] as JSONValue }
        say(["id": JSONValue(id), "page": ["records": .array(records)]])
    }
    try Task.checkCancellation()
    // The stream ended because the node was closed, which any call says.
    _ = try await node.groups()
    return done
}

extension JSONValue {
    /// A text that an order must have.
    func text(_ name: String) throws -> String {
        guard let text = self[name]?.string else { throw Misunderstood("\(name) is missing") }
        return text
    }
}

extension NodeSettings {
    init(_ opening: JSONValue) throws {
        guard let storage = opening["storage"] else { throw Misunderstood("storage is missing") }
        self.init(
            folder: storage["folder"]?.string.map { URL(fileURLWithPath: $0) },
            services: opening["services"]?.array?.compactMap(\.string) ?? [],
            linkBase: opening["link_base"]?.string,
            serviceExt: opening["service_ext"]?.string,
            pollInterval: opening["poll_interval"]?.int.map { .seconds($0) },
            pace: opening["pace"].map { $0 == "background" ? .background : .foreground },
            idleTimeout: opening["idle_timeout"]?.int.map { .seconds($0) },
            bind: opening["bind"]?.array?.compactMap(\.string) ?? [],
            loopback: opening["loopback"] == true,
            passphrase: opening["passphrase"]?.string
        )
    }
}

extension Role {
    init(_ role: JSONValue?) {
        switch role {
        case "owner": self = .owner
        case "reader": self = .reader
        default: self = .writer
        }
    }
}

extension Write {
    init(_ write: JSONValue) throws {
        let (collection, id) = (try write.text("collection"), try write.text("id"))
        switch write["op"] {
        case "delete": self = .delete(collection: collection, id: id)
        case "remove_fields":
            let fields = (write["fields"]?.array ?? []).compactMap(\.string)
            self = .removeFields(collection: collection, id: id, fields: fields)
        case "replace": self = .replace(collection: collection, id: id, fields: write["fields"]?.object ?? [:])
        default: self = .put(collection: collection, id: id, fields: write["fields"]?.object ?? [:])
        }
    }
}
