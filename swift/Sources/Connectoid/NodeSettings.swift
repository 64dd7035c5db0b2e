import Foundation
internal import ConnectoidBindings

/// Everything about a node that an app may decide. `nil` is what the SDK has by default.
public struct NodeSettings: Sendable, Equatable {
    /// Where the data is kept; one node at a time uses a folder. `nil` for a node that forgets everything when it is
    /// closed.
    public var folder: URL?
    /// One to three mailbox services for the boxes of this node, in order of preference.
    public var services: [String]
    /// The URL that opens the app, to which links are appended; by default `connectoid://open`.
    public var linkBase: String?
    /// The app's static data for the services, such as an API key.
    public var serviceExt: String?
    /// The pace of looking into the mailboxes in the background, at least a second; by default a minute.
    public var pollInterval: Duration?
    /// Whether the app starts in the foreground, which is the default.
    public var pace: Pace?
    /// How long a connection with nothing to do stays open; by default 30 seconds.
    public var idleTimeout: Duration?
    /// STUN and TURN servers; without any, two nodes meet only within one network.
    public var iceServers: [IceServer]
    /// Local IP addresses to connect from; empty for all usable ones.
    public var bind: [String]
    /// Whether to offer loopback addresses too, for apps on one machine.
    public var loopback: Bool
    /// The passphrase of the default key store.
    public var passphrase: String?
    /// Certificates in PEM of authorities that may have signed the certificates of services, beside those that browsers
    /// trust: for a service of one's own with an authority of one's own.
    public var serviceRoots: String?
    /// About how many bytes each group may take on this device; by default 1 GiB. Near it and at it the app is told
    /// (``EventKind/groupRoom(group:bytes:quota:full:)``); beyond it new records of others are not received.
    public var groupQuota: UInt64?

    /// Settings as the SDK has them by default, but for what is given.
    public init(
        folder: URL?,
        services: [String] = [],
        linkBase: String? = nil,
        serviceExt: String? = nil,
        pollInterval: Duration? = nil,
        pace: Pace? = nil,
        idleTimeout: Duration? = nil,
        iceServers: [IceServer] = [],
        bind: [String] = [],
        loopback: Bool = false,
        passphrase: String? = nil,
        serviceRoots: String? = nil,
        groupQuota: UInt64? = nil
    ) {
        self.folder = folder
        self.services = services
        self.linkBase = linkBase
        self.serviceExt = serviceExt
        self.pollInterval = pollInterval
        self.pace = pace
        self.idleTimeout = idleTimeout
        self.iceServers = iceServers
        self.bind = bind
        self.loopback = loopback
        self.passphrase = passphrase
        self.serviceRoots = serviceRoots
        self.groupQuota = groupQuota
    }
}

extension NodeSettings: CustomStringConvertible, CustomReflectable {
    /// Without passphrase, API key and addresses.
    public var description: String { "NodeSettings(folder: \(folder?.path ?? "none"), services: \(services.count))" }

    /// Shows nothing of what is in it: debuggers and `dump` would print the passphrase.
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}

/// A STUN or TURN server.
public struct IceServer: Sendable, Equatable {
    /// `stun:host[:port]` or `turn:host[:port][?transport=udp]`.
    public var urls: [String]
    /// For TURN.
    public var username: String
    /// For TURN: the password.
    public var credential: String

    /// A server; for STUN, its URLs are enough.
    public init(urls: [String], username: String = "", credential: String = "") {
        self.urls = urls
        self.username = username
        self.credential = credential
    }
}

extension IceServer: CustomStringConvertible, CustomReflectable {
    /// Without addresses and credential.
    public var description: String { "IceServer(urls: \(urls.count))" }

    /// Shows nothing of what is in it.
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}

/// How eagerly a node looks for news.
public enum Pace: Sendable, Hashable {
    /// In front of its user: latency matters.
    case foreground
    /// Out of sight: battery matters.
    case background
}

extension ConnectoidBindings.Pace {
    init(_ pace: Pace) {
        switch pace {
        case .foreground: self = .foreground
        case .background: self = .background
        }
    }
}

extension ConnectoidBindings.Settings {
    init(_ settings: NodeSettings) throws {
        if let folder = settings.folder, !folder.isFileURL {
            throw ConnectoidError.usage("the data folder is not on this device: `folder` is no file URL")
        }
        self.init(
            folder: settings.folder?.path,
            services: settings.services,
            serviceExt: settings.serviceExt,
            serviceRoots: settings.serviceRoots,
            linkBase: settings.linkBase,
            pollInterval: try settings.pollInterval?.seconds(),
            pace: settings.pace.map(ConnectoidBindings.Pace.init),
            idleTimeout: try settings.idleTimeout?.seconds(),
            groupQuota: settings.groupQuota,
            iceServers: settings.iceServers.map {
                ConnectoidBindings.IceServer(urls: $0.urls, username: $0.username, credential: $0.credential)
            },
            bind: settings.bind,
            loopback: settings.loopback,
            passphrase: settings.passphrase
        )
    }
}

extension Duration {
    /// As the generated code takes it, which ends the app for a negative one.
    func seconds() throws -> TimeInterval {
        guard self >= .zero else { throw ConnectoidError.usage("a duration is not negative") }
        return Double(components.seconds) + Double(components.attoseconds) * 1e-18
    }
}
