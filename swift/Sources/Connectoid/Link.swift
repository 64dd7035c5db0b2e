import Foundation
internal import ConnectoidBindings

/// Where in a link's URL the address stands.
public enum Placement: Sendable, Hashable {
    /// Behind `#`: no server sees it.
    case fragment
    /// Behind `?`: the web host of the link may have logged it.
    case query
}

/// A link to send to a person. Its text form does not show the link.
public struct SharedLink: Sendable, Hashable {
    /// The link, a secret between sender and receiver.
    public let link: String
    /// When it stops working.
    public let expires: Date
    /// The id of the group that is shared.
    public let group: String
}

extension SharedLink: CustomStringConvertible, CustomReflectable {
    /// Without the link.
    public var description: String { "SharedLink(expires: \(expires), group: \(group))" }

    /// Shows nothing of what is in it: debuggers and `dump` would print the link.
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}

extension ConnectoidBindings.Placement {
    init(_ placement: Placement) {
        switch placement {
        case .fragment: self = .fragment
        case .query: self = .query
        }
    }
}

extension SharedLink {
    init(_ link: ConnectoidBindings.SharedLink) {
        self.init(link: link.link, expires: link.expires, group: link.group)
    }
}
