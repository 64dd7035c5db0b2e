import Foundation
internal import ConnectoidBindings

/// What went wrong. Its ``kind`` is for programs, and its documentation says what to do; its ``message`` is for people.
///
/// Nothing in it is secret: no link, key or address. A call that is cancelled throws a `CancellationError` instead.
public struct ConnectoidError: Error, Sendable, Hashable {
    /// What went wrong, for programs.
    public let kind: Kind
    /// Who is at fault.
    public let blame: Blame
    /// What went wrong and what to do, for people. In English.
    public let message: String
    /// For bug reports.
    public let debug: String

    /// What went wrong, in a form that programs can rely on. The raw values are the same in every language of this SDK.
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        /// The call itself is wrong: an unknown nickname, a malformed value. Fix the call.
        case usage
        /// The text is no link, or the link is damaged. Ask for it again.
        case linkMalformed = "link_malformed"
        /// The user made the link, which is for somebody else to open. Send it to that person; the message says whom.
        case linkOwn = "link_own"
        /// The link was opened here before, and the two share already; the message says with whom. Nothing to do.
        case alreadyShared = "already_shared"
        /// Somebody else opened the link first, or the same person on another device or in another app. Else tell its
        /// sender; do not trust the messenger that carried it.
        case linkUsed = "link_used"
        /// The link's time has run out. Ask for a new one.
        case linkExpired = "link_expired"
        /// The link was taken back, or what was shared by it has ended. Ask for a new one.
        case linkRevoked = "link_revoked"
        /// The link's mailbox was closed, says the service. Ask for a new link.
        case linkClosed = "link_closed"
        /// The peer uses another mailbox than this node knows: one of both was restored from an old copy, or the peer
        /// stopped sharing. Unshare the peer and share a new link.
        case pairLost = "pair_lost"
        /// Nobody answered yet: the other side is offline. Nothing to do, the SDK keeps trying. From
        /// ``Node/send(_:_:)``: the app there did not take it, or too many messages wait already; send it again later.
        case unanswered
        /// Both sides answered, but no packets get through. Give STUN and TURN servers in ``NodeSettings/iceServers``.
        case noRoute = "no_route"
        /// The peer connected and then said nothing, or the connection was lost. Nothing to do, the SDK tries again.
        case peerSilent = "peer_silent"
        /// The peer broke the protocol, or could not prove who it is. If it stays so, ask the person, and share anew.
        case peerMisbehaved = "peer_misbehaved"
        /// The peer's version and this one have nothing in common. Update the older app.
        case versionMismatch = "version_mismatch"
        /// No mailbox service could be reached. Check the network and ``NodeSettings/services``; the SDK keeps trying.
        case serviceUnreachable = "service_unreachable"
        /// The service refuses: a wrong API key, or it is full. Check ``NodeSettings/serviceExt``, ask the operator.
        case serviceRefused = "service_refused"
        /// The service asks to come back later, which the SDK does.
        case serviceTooOften = "service_too_often"
        /// This device's clock and the service's are far apart. Have the user set the clock.
        case clockSkew = "clock_skew"
        /// The data folder cannot be used: no room, no permission, or in use by another node; or the key store failed.
        /// The message says which. Mend that, and open again.
        case storageUnavailable = "storage_unavailable"
        /// The data folder is damaged or incomplete, or written by a newer version. Update the app, or restore a backup.
        case storageCorrupt = "storage_corrupt"
        /// The key that opens the data folder is wrong or missing. Ask for the passphrase again; without the key, the
        /// data is lost.
        case wrongKey = "wrong_key"
        /// The user may not do this in this group: write as a reader, or share what is another's. Do not offer it: see
        /// ``GroupInfo/role``.
        case notPermitted = "not_permitted"
        /// The node was closed. Open it again.
        case closed
        /// The key store did not answer within two minutes. Have the user unlock it, and open again.
        case timeout
        /// The app took the call back. Tasks get a `CancellationError` instead.
        case cancelled
        /// A defect of this SDK. Please report it, with ``ConnectoidError/debug``.
        case `internal`
        /// A kind that this version of the package does not know. Update it.
        case unknown
    }

    /// Who is at fault.
    public enum Blame: String, Sendable, Hashable {
        /// The caller.
        case usage
        /// The other side, or the way to it.
        case peer
        /// The mailbox service, or the way to it.
        case service
        /// This device's storage.
        case storage
        /// This SDK.
        case `internal`
    }
}

extension ConnectoidError: LocalizedError, CustomStringConvertible {
    /// The ``message``, which `localizedDescription` shows.
    public var errorDescription: String? { message }

    /// The kind and the message.
    public var description: String { "\(kind.rawValue): \(message)" }
}

extension ConnectoidError {
    init(_ problem: ConnectoidBindings.Problem) {
        self.init(kind: Kind(problem.kind), blame: Blame(problem.blame), message: problem.text, debug: problem.debug)
    }

    /// A mistake of the caller that is seen before the library is asked.
    static func usage(_ message: String) -> Self {
        Self(kind: .usage, blame: .usage, message: message, debug: message)
    }

    /// What cannot happen, happened.
    static func defect(_ error: any Error) -> Self {
        let message = "a defect of this SDK; please report it with the text of `debug`"
        return Self(kind: .internal, blame: .internal, message: message, debug: String(reflecting: error))
    }
}

extension ConnectoidError.Kind {
    init(_ kind: ConnectoidBindings.ErrorKind) {
        switch kind {
        case .usage: self = .usage
        case .linkMalformed: self = .linkMalformed
        case .linkOwn: self = .linkOwn
        case .alreadyShared: self = .alreadyShared
        case .linkUsed: self = .linkUsed
        case .linkExpired: self = .linkExpired
        case .linkRevoked: self = .linkRevoked
        case .linkClosed: self = .linkClosed
        case .pairLost: self = .pairLost
        case .unanswered: self = .unanswered
        case .noRoute: self = .noRoute
        case .peerSilent: self = .peerSilent
        case .peerMisbehaved: self = .peerMisbehaved
        case .versionMismatch: self = .versionMismatch
        case .serviceUnreachable: self = .serviceUnreachable
        case .serviceRefused: self = .serviceRefused
        case .serviceTooOften: self = .serviceTooOften
        case .clockSkew: self = .clockSkew
        case .storageUnavailable: self = .storageUnavailable
        case .storageCorrupt: self = .storageCorrupt
        case .wrongKey: self = .wrongKey
        case .notPermitted: self = .notPermitted
        case .closed: self = .closed
        case .timeout: self = .timeout
        case .cancelled: self = .cancelled
        case .internal: self = .internal
        case .unknown: self = .unknown
        }
    }
}

extension ConnectoidError.Blame {
    init(_ blame: ConnectoidBindings.Blame) {
        switch blame {
        case .usage: self = .usage
        case .peer: self = .peer
        case .service: self = .service
        case .storage: self = .storage
        case .internal: self = .internal
        }
    }
}
