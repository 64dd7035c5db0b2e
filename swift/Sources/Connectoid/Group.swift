internal import ConnectoidBindings

/// What a user may do in a group.
public enum Role: Sendable, Hashable {
    /// Founded the group: writes, appoints and removes.
    case owner
    /// Reads and writes records.
    case writer
    /// Reads records.
    case reader
}

/// A group: who shares what.
public struct GroupInfo: Sendable, Hashable, Identifiable {
    /// Its id, the same on every device.
    public let id: String
    /// Its name.
    public let name: String
    /// What this user may do in it; `nil` if it is no member any more.
    public let role: Role?
    /// Who is in it.
    public let members: [Member]
}

/// A member of a group.
public struct Member: Sendable, Hashable {
    /// The user's id.
    public let user: String
    /// What the member may do.
    public let role: Role
    /// What this node calls the user: a peer's nickname, or `me`.
    public let nickname: String?
}

extension ConnectoidBindings.Role {
    init(_ role: Role) {
        switch role {
        case .owner: self = .owner
        case .writer: self = .writer
        case .reader: self = .reader
        }
    }
}

extension Role {
    init(_ role: ConnectoidBindings.Role) {
        switch role {
        case .owner: self = .owner
        case .writer: self = .writer
        case .reader: self = .reader
        }
    }
}

extension GroupInfo {
    init(_ group: ConnectoidBindings.Group) {
        self.init(
            id: group.id,
            name: group.name,
            role: group.role.map(Role.init),
            members: group.members.map { Member(user: $0.user, role: Role($0.role), nickname: $0.nickname) }
        )
    }
}
