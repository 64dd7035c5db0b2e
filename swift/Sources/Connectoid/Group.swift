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
    /// How far this device takes it.
    public let acceptance: Acceptance
    /// About how many bytes it takes on this device.
    public let bytes: UInt64
    /// What this user may do in it, as far as it is accepted; `nil` if it is no member any more.
    public let role: Role?
    /// Who is in it.
    public let members: [Member]
}

/// How far a device takes a group that its user is a member of.
public enum Acceptance: String, Sendable, Hashable {
    /// The user has not said anything to the invitation yet: who the members are is known there, and nothing else.
    case invited
    /// The user takes part: everything is received.
    case accepted
    /// As well, but there is no room for more on the device (``NodeSettings/groupQuota``).
    case full
    /// The user has declined the invitation, or left: nothing is received or given.
    case left
    /// A way that this version of the package does not know.
    case unknown
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

extension Acceptance {
    init(_ acceptance: ConnectoidBindings.Acceptance) {
        switch acceptance {
        case .invited: self = .invited
        case .accepted: self = .accepted
        case .full: self = .full
        case .left: self = .left
        case .unknown: self = .unknown
        }
    }
}

extension GroupInfo {
    init(_ group: ConnectoidBindings.Group) {
        self.init(
            id: group.id,
            name: group.name,
            acceptance: Acceptance(group.acceptance),
            bytes: group.bytes,
            role: group.role.map(Role.init),
            members: group.members.map { Member(user: $0.user, role: Role($0.role), nickname: $0.nickname) }
        )
    }
}
