import Foundation
internal import ConnectoidBindings

/// Somebody this node shares with.
public struct Peer: Sendable, Hashable, Identifiable {
    /// What this user calls the person.
    public let nickname: String
    /// Who made the link.
    public let side: Side
    /// How far the pair has come.
    public let state: PairState
    /// Whether there is a connection.
    public let connection: ConnectionState
    /// How sure this user can be of who it is.
    public let verified: Verified
    /// The peer's user id, once it has proven it.
    public let user: String?
    /// How many others tried to open the link.
    public let alarms: Int
    /// The last failure, if the last attempt failed.
    public let problem: ConnectoidError?
    /// How well each shared group is replicated to this peer.
    public let groups: [GroupSync]

    /// The nickname, which is unique on this node.
    public var id: String { nickname }
}

/// How well one group is replicated to one peer.
public struct GroupSync: Sendable, Hashable, Identifiable {
    /// The group's id.
    public let id: String
    /// Its name.
    public let name: String
    /// How far the peer's device takes it, as far as it has told.
    public let acceptance: Acceptance
    /// When the peer last had all that this node has.
    public let lastSyncedAt: Date?
    /// How many of this node's changes the peer is not known to have, or holds back because of a wrong clock.
    public let lacks: UInt64
    /// How many changes that the peer has brought are held back here, for the same reason.
    public let held: UInt64
    /// When the last of those that wait for their time will be taken.
    public let heldUntil: Date?
}

/// Who made the link.
public enum Side: Sendable, Hashable {
    /// This side.
    case creator
    /// The other side; this one opened it.
    case opener
}

/// How far a pair has come.
public enum PairState: String, Sendable, Hashable {
    /// This node made a link that nobody has opened yet.
    case invited
    /// This node opened a link; its creator has not answered yet.
    case opening
    /// Both have met.
    case paired
    /// The link was refused: used, expired or revoked; or the peer's mailbox is closed.
    case refused
    /// A state that this version of the package does not know.
    case unknown
}

/// Whether there is a connection to a peer.
public enum ConnectionState: String, Sendable, Hashable {
    /// None, and none is needed or possible now.
    case resting
    /// One is being made.
    case connecting
    /// One is open.
    case connected
    /// A state that this version of the package does not know.
    case unknown
}

/// How sure this user can be of who a peer is.
public enum Verified: String, Sendable, Hashable {
    /// As sure as of the messenger that carried the link.
    case link
    /// As of the messenger and of the web host that the link's query was shown to.
    case linkQuery = "link_query"
    /// This user scanned the link from the peer's own device, in that person's presence.
    case inPersonQr = "in_person_qr"
    /// The two people compared emoji.
    case sas
    /// A way that this version of the package does not know.
    case unknown
}

extension Peer {
    init(_ peer: ConnectoidBindings.Peer) {
        self.init(
            nickname: peer.nickname,
            side: Side(peer.side),
            state: PairState(peer.state),
            connection: ConnectionState(peer.connection),
            verified: Verified(peer.verified),
            user: peer.user,
            alarms: Int(peer.alarms),
            problem: peer.problem.map(ConnectoidError.init),
            groups: peer.groups.map {
                GroupSync(
                    id: $0.id, name: $0.name, acceptance: Acceptance($0.acceptance), lastSyncedAt: $0.lastSyncedAt,
                    lacks: $0.lacks, held: $0.held, heldUntil: $0.heldUntil)
            }
        )
    }
}

extension Side {
    init(_ side: ConnectoidBindings.Side) {
        switch side {
        case .creator: self = .creator
        case .opener: self = .opener
        }
    }
}

extension PairState {
    init(_ state: ConnectoidBindings.PairState) {
        switch state {
        case .invited: self = .invited
        case .opening: self = .opening
        case .paired: self = .paired
        case .refused: self = .refused
        case .unknown: self = .unknown
        }
    }
}

extension ConnectionState {
    init(_ state: ConnectoidBindings.ConnectionState) {
        switch state {
        case .resting: self = .resting
        case .connecting: self = .connecting
        case .connected: self = .connected
        case .unknown: self = .unknown
        }
    }
}

extension Verified {
    init(_ verified: ConnectoidBindings.Verified) {
        switch verified {
        case .link: self = .link
        case .linkQuery: self = .linkQuery
        case .inPersonQr: self = .inPersonQr
        case .sas: self = .sas
        case .unknown: self = .unknown
        }
    }
}
