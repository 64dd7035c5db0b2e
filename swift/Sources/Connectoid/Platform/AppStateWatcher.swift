#if canImport(UIKit) && !os(watchOS)
import UIKit

/// Tells a node whether the app is in front of its user: then it looks for news often, else seldom. Make one for each
/// node, and keep it as long as the node. In SwiftUI, the modifier `pace(of:)` does the same.
@MainActor public final class AppStateWatcher {
    private let teller: Teller<Pace>
    private var observers: [any NSObjectProtocol] = []

    /// Begins to watch.
    public init(_ node: Node) {
        let teller = Teller<Pace> { [weak node] pace in try await node?.setPace(pace) }
        self.teller = teller
        let center = NotificationCenter.default
        for (name, pace) in [
            (UIApplication.willEnterForegroundNotification, Pace.foreground),
            (UIApplication.didEnterBackgroundNotification, Pace.background),
        ] {
            observers.append(center.addObserver(forName: name, object: nil, queue: nil) { _ in teller.tell(pace) })
        }
    }

    /// Ends watching.
    public func stop() {
        observers.forEach(NotificationCenter.default.removeObserver)
        observers = []
    }
}
#endif

#if canImport(SwiftUI)
import SwiftUI

extension View {
    /// Has a node look for news often while this view's scene is in front of its user, else seldom: put it on the
    /// content of the app's `WindowGroup`.
    public func pace(of node: Node?) -> some View {
        modifier(ScenePace(node: node))
    }
}

private struct ScenePace: ViewModifier {
    let node: Node?
    @Environment(\.scenePhase) private var phase

    func body(content: Content) -> some View {
        content.task(id: phase) {
            do {
                try await node?.setPace(phase == .background ? .background : .foreground)
            } catch is CancellationError {
                // The next phase is here already.
            } catch let error as ConnectoidError where error.kind == .closed {
                // The app closes its node.
            } catch {
                report("the node could not be told", error)
            }
        }
    }
}
#endif
