import Foundation
internal import ConnectoidBindings

/// Something happened, at a place in the order of all that happened on this node.
public struct Event: Sendable, Hashable {
    /// Counts the node's events from 1; a gap means that some were dropped (see ``EventKind/resync``).
    public let sequence: UInt64
    /// When.
    public let at: Date
    /// What.
    public let kind: EventKind
}

/// What happened.
public enum EventKind: Sendable, Hashable {
    /// The first person to open a link did so, and both have met.
    case paired(nickname: String)
    /// A connection is open and the peer has proven who it is.
    case connected(nickname: String)
    /// A connection is closed; the problem says why, and is `nil` if there was nothing left to do.
    case disconnected(nickname: String, problem: ConnectoidError?)
    /// A connection could not be made; the node tries again if there is something to say.
    case connectFailed(nickname: String, problem: ConnectoidError)
    /// A link that this node opened is not open to it, and why: used, expired, revoked or closed. If it was used: when,
    /// and the fingerprint of the key that used it.
    case openRefused(nickname: String, problem: ConnectoidError, usedAt: Date?, winner: String?)
    /// Alarm: somebody else tried to open a link that was already used, and one of the two is a thief. With the
    /// fingerprints of the key that was first and of the one that came second.
    case linkOpenedAgain(nickname: String, winner: String, other: String)
    /// Records have changed, here or at a peer; no records are named if there are too many. With the group's id.
    case changed(group: String, records: [RecordKey])
    /// A peer has made this user a member of a group: its id, its name, which its owner chose, and the owner's nickname, if
    /// that is a peer. Nothing of it is received until ``Node/acceptInvitation(_:)``; ``Node/leaveGroup(_:)`` declines.
    case invited(group: String, name: String, nickname: String?)
    /// A peer's device has told how far it takes a group.
    case acceptance(nickname: String, group: String, acceptance: Acceptance)
    /// The room that a group may take on this device (``NodeSettings/groupQuota``) is four fifths taken, or all of it. Then
    /// new records of others are not received, which their devices are told; they come once a fifth of the room is free.
    case groupRoom(group: String, bytes: UInt64, quota: UInt64, full: Bool)
    /// This user now takes part in a group: its id, its name.
    case joined(group: String, name: String)
    /// This user is no longer in a group. What it has of it stays.
    case removed(group: String)
    /// The members of a group have changed.
    case membersChanged(group: String)
    /// This node and a peer have the same, in this group.
    case synced(nickname: String, group: String)
    /// A peer's app sent a message.
    case message(nickname: String, data: Data)
    /// Emoji to compare with a peer; then call ``Node/confirmVerify(_:same:)``. Their names are the same in every
    /// language of this SDK.
    case emojis(nickname: String, names: [String], emojis: String)
    /// A peer stopped sharing; its keys are deleted here too.
    case unshared(nickname: String)
    /// This node's data folder is an older copy, as a peer shows that knew more of it. What the peer has comes back by
    /// itself. Peers that are lost since (``ConnectoidError/Kind-swift.enum/pairLost``) need a new link.
    case restored(nickname: String)
    /// A mailbox service does not work; others of the same link are tried.
    case serviceProblem(service: String, problem: ConnectoidError)
    /// A clock is wrong, or was: this device's (no nickname), by that of the service, or a peer's, by what this node goes
    /// by. `ahead` is in µs, negative if it is behind; `held` changes wait because of it, until `until` at the latest. A
    /// device whose clock is wrong goes by its service's, and makes anew what it had stamped wrongly.
    case clockSkew(nickname: String?, ahead: Int64, held: UInt64, until: Date?)
    /// Events were dropped, because nobody took them. Read again what is shown.
    case resync
    /// Something that this version of the package does not know.
    case unknown
}

/// Names a record in its group.
public struct RecordKey: Sendable, Hashable {
    /// The collection.
    public let collection: String
    /// The record's id.
    public let id: String
}

extension Event {
    init(_ event: ConnectoidBindings.Event) {
        self.init(sequence: event.sequence, at: event.at, kind: EventKind(event.kind))
    }
}

extension EventKind {
    init(_ kind: ConnectoidBindings.EventKind) {
        switch kind {
        case let .paired(nickname): self = .paired(nickname: nickname)
        case let .connected(nickname): self = .connected(nickname: nickname)
        case let .disconnected(nickname, problem):
            self = .disconnected(nickname: nickname, problem: problem.map(ConnectoidError.init))
        case let .connectFailed(nickname, problem):
            self = .connectFailed(nickname: nickname, problem: ConnectoidError(problem))
        case let .openRefused(nickname, problem, usedAt, winner):
            let problem = ConnectoidError(problem)
            self = .openRefused(nickname: nickname, problem: problem, usedAt: usedAt, winner: winner)
        case let .linkOpenedAgain(nickname, winner, other):
            self = .linkOpenedAgain(nickname: nickname, winner: winner, other: other)
        case let .changed(group, records):
            let records = records.map { RecordKey(collection: $0.collection, id: $0.id) }
            self = .changed(group: group, records: records)
        case let .invited(group, name, nickname): self = .invited(group: group, name: name, nickname: nickname)
        case let .acceptance(nickname, group, acceptance):
            self = .acceptance(nickname: nickname, group: group, acceptance: Acceptance(acceptance))
        case let .groupRoom(group, bytes, quota, full):
            self = .groupRoom(group: group, bytes: bytes, quota: quota, full: full)
        case let .joined(group, name): self = .joined(group: group, name: name)
        case let .removed(group): self = .removed(group: group)
        case let .membersChanged(group): self = .membersChanged(group: group)
        case let .synced(nickname, group): self = .synced(nickname: nickname, group: group)
        case let .message(nickname, data): self = .message(nickname: nickname, data: data)
        case let .emojis(nickname, names, emojis): self = .emojis(nickname: nickname, names: names, emojis: emojis)
        case let .unshared(nickname): self = .unshared(nickname: nickname)
        case let .restored(nickname): self = .restored(nickname: nickname)
        case let .serviceProblem(service, problem):
            self = .serviceProblem(service: service, problem: ConnectoidError(problem))
        case let .clockSkew(nickname, ahead, held, until):
            self = .clockSkew(nickname: nickname, ahead: ahead, held: held, until: until)
        case .resync: self = .resync
        case .unknown: self = .unknown
        }
    }
}
