import Connectoid
import Foundation

// What the actor says of each thing, by the names of `bindings/c/schema.json`.

extension ConnectoidError {
    var json: JSONValue { ["kind": .string(kind.rawValue), "message": .string(message)] }
}

extension Date {
    /// In µs since the epoch.
    var json: JSONValue { .integer(Int64(timeIntervalSince1970 * 1e6)) }
}

extension Record {
    var value: JSONValue { ["id": .string(id), "fields": .object(fields)] }
}

extension Role {
    var json: JSONValue {
        switch self {
        case .owner: "owner"
        case .writer: "writer"
        case .reader: "reader"
        }
    }
}

extension GroupInfo {
    var json: JSONValue {
        let members = members.map { member in
            [
                "user": .string(member.user), "role": member.role.json,
                "nickname": member.nickname.map(JSONValue.string) ?? nil,
            ] as JSONValue
        }
        return [
            "id": .string(id), "name": .string(name), "acceptance": .string(acceptance.rawValue),
            "bytes": .integer(Int64(bytes)), "role": role?.json ?? nil, "members": .array(members),
        ]
    }
}

extension Peer {
    var json: JSONValue {
        let groups = groups.map { group in
            [
                "id": .string(group.id), "name": .string(group.name),
                "acceptance": .string(group.acceptance.rawValue), "lacks": JSONValue(Int(group.lacks)),
                "last_synced_at": group.lastSyncedAt?.json ?? nil,
            ] as JSONValue
        }
        return [
            "nickname": .string(nickname), "side": side == .creator ? "creator" : "opener",
            "state": .string(state.rawValue), "connection": .string(connection.rawValue),
            "verified": .string(verified.rawValue), "user": user.map(JSONValue.string) ?? nil,
            "alarms": JSONValue(alarms), "problem": problem?.json ?? nil, "groups": .array(groups),
        ]
    }
}

extension Version {
    var json: JSONValue {
        [
            "field": field.map(JSONValue.string) ?? nil, "value": value ?? nil,
            "left_out": .bool(leftOut), "removed": .bool(removed),
            "author": .string(author),
            "nickname": nickname.map(JSONValue.string) ?? nil, "stamp": stamp.json, "winning": .bool(winning),
            "why": why.map(JSONValue.string) ?? nil, "kept_until": keptUntil?.json ?? nil,
        ]
    }
}

extension Diagnosis {
    var json: JSONValue {
        let findings = findings.map { finding in
            [
                "about": .string(finding.about), "kind": .string(finding.kind.rawValue),
                "message": .string(finding.message),
            ] as JSONValue
        }
        return ["reply": "diagnosis", "findings": .array(findings), "trace": .array(trace.map(JSONValue.string))]
    }
}

extension Event {
    var json: JSONValue {
        var fields = kind.fields
        fields["sequence"] = .integer(Int64(sequence))
        fields["at"] = at.json
        return .object(fields)
    }
}

extension EventKind {
    fileprivate var fields: [String: JSONValue] {
        switch self {
        case let .paired(nickname): about("paired", nickname)
        case let .connected(nickname): about("connected", nickname)
        case let .disconnected(nickname, problem): about("disconnected", nickname, ["problem": problem?.json ?? nil])
        case let .connectFailed(nickname, problem): about("connect_failed", nickname, ["problem": problem.json])
        case let .openRefused(nickname, problem, usedAt, winner):
            about(
                "open_refused", nickname,
                [
                    "problem": problem.json, "used_at": usedAt?.json ?? nil,
                    "winner": winner.map(JSONValue.string) ?? nil,
                ])
        case let .linkOpenedAgain(nickname, winner, other):
            about("link_opened_again", nickname, ["winner": .string(winner), "other": .string(other)])
        case let .changed(group, records):
            [
                "event": "changed", "group": .string(group),
                "records": .array(records.map { [.string($0.collection), .string($0.id)] }),
            ]
        case let .invited(group, name, nickname):
            [
                "event": "invited", "group": .string(group), "name": .string(name),
                "nickname": nickname.map(JSONValue.string) ?? nil,
            ]
        case let .acceptance(nickname, group, acceptance):
            about("acceptance", nickname, ["group": .string(group), "acceptance": .string(acceptance.rawValue)])
        case let .groupRoom(group, bytes, quota, full):
            [
                "event": "group_room", "group": .string(group), "bytes": .integer(Int64(bytes)),
                "quota": .integer(Int64(quota)), "full": .bool(full),
            ]
        case let .joined(group, name): ["event": "joined", "group": .string(group), "name": .string(name)]
        case let .removed(group): ["event": "removed", "group": .string(group)]
        case let .membersChanged(group): ["event": "members_changed", "group": .string(group)]
        case let .synced(nickname, group): about("synced", nickname, ["group": .string(group)])
        case let .message(nickname, data): about("message", nickname, ["data": .string(Base64URL.encode(data))])
        case let .emojis(nickname, names, emojis):
            about("emojis", nickname, ["names": .array(names.map(JSONValue.string)), "emojis": .string(emojis)])
        case let .unshared(nickname): about("unshared", nickname)
        case let .restored(nickname): about("restored", nickname)
        case let .serviceProblem(service, problem):
            ["event": "service_problem", "service": .string(service), "problem": problem.json]
        case let .clockSkew(nickname, ahead, held, until):
            [
                "event": "clock_skew", "nickname": nickname.map(JSONValue.string) ?? nil, "ahead": .integer(ahead),
                "held": .integer(Int64(held)), "until": until?.json ?? nil,
            ]
        case .resync: ["event": "resync"]
        case .unknown: ["event": "unknown"]
        }
    }

    private func about(
        _ event: String, _ nickname: String, _ more: [String: JSONValue] = [:]
    ) -> [String: JSONValue] {
        ["event": .string(event), "nickname": .string(nickname)].merging(more) { _, new in new }
    }
}

/// Bytes as the orders and answers have them.
enum Base64URL {
    static func encode(_ data: Data) -> String {
        data.base64EncodedString().replacingOccurrences(of: "=", with: "")
            .replacingOccurrences(of: "+", with: "-").replacingOccurrences(of: "/", with: "_")
    }

    static func decode(_ text: String) throws -> Data {
        guard let data = try JSONValue(json: JSONValue.object(["$bytes": .string(text)]).json()).bytes else {
            throw Misunderstood("data is no base64url")
        }
        return data
    }
}
