#if canImport(Network)
import Dispatch
import Network

/// Tells a node when the device's network has changed (Wi-Fi to mobile, a VPN), so that open connections move over at
/// once instead of waiting for a silence. Make one for each node, and keep it as long as the node.
public final class NetworkWatcher: Sendable {
    private let monitor = NWPathMonitor()

    /// Begins to watch.
    public init(_ node: Node) {
        let teller = Teller<Void> { [weak node] _ in try await node?.networkChanged() }
        // The first path is the one that there is.
        let before = Locked<[String]?>(nil)
        monitor.pathUpdateHandler = { path in
            guard path.status == .satisfied else {
                // What comes next is another network, even if it looks the same.
                return before.withLock { before in before = before.map { _ in [] } }
            }
            let now = path.availableInterfaces.map(\.name) + path.gateways.map { "\($0)" }
            let changed = before.withLock { before in
                defer { before = now }
                return before != nil && before != now
            }
            if changed { teller.tell(()) }
        }
        monitor.start(queue: DispatchQueue(label: "io.github.connectoid.network"))
    }

    deinit {
        monitor.cancel()
    }
}
#endif
