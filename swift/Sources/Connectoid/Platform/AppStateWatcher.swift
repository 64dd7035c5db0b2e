#if (canImport(UIKit) && !os(watchOS)) || canImport(AppKit)
import Foundation

#if canImport(UIKit)
import UIKit
#else
import AppKit
#endif

/// Tells a node whether the app is in front of its user: then it looks for news often, else seldom. It begins with how
/// it is now. Make one for each node, and keep it as long as the node; it ends when nothing refers to it any more. In an
/// app with one window, SwiftUI's modifier `pace(of:)` does the same.
@MainActor public final class AppStateWatcher {
    private let observers: Observers

    /// Begins to watch.
    public init(_ node: Node) {
        let teller = Teller<Pace> { [weak node] pace in try await node?.setPace(pace) }
        teller.tell(Self.pace)
        observers = Observers(of: Self.changes) { pace in teller.tell(pace ?? Self.pace) }
    }

    /// Ends watching.
    public func stop() {
        observers.end()
    }

    #if canImport(UIKit)
    private static var pace: Pace { UIApplication.shared.applicationState == .background ? .background : .foreground }

    private static let changes: [(Notification.Name, Pace?)] = [
        (UIApplication.willEnterForegroundNotification, .foreground),
        (UIApplication.didEnterBackgroundNotification, .background),
    ]
    #else
    /// An app of which something can be seen.
    private static var pace: Pace {
        NSApplication.shared.occlusionState.contains(.visible) ? .foreground : .background
    }

    private static let changes: [(Notification.Name, Pace?)] = [
        (NSApplication.didChangeOcclusionStateNotification, nil)
    ]
    #endif
}

/// What was asked of the notification center, until nothing refers to it any more.
private final class Observers {
    private var tokens: [any NSObjectProtocol] = []

    /// Calls a handler on the main thread, with what belongs to the notification.
    init(of names: [(Notification.Name, Pace?)], _ handle: @escaping @Sendable @MainActor (Pace?) -> Void) {
        for (name, pace) in names {
            tokens.append(
                NotificationCenter.default.addObserver(forName: name, object: nil, queue: .main) { _ in
                    MainActor.assumeIsolated { handle(pace) }
                })
        }
    }

    deinit {
        end()
    }

    func end() {
        tokens.forEach(NotificationCenter.default.removeObserver)
        tokens = []
    }
}
#endif

#if canImport(SwiftUI)
import SwiftUI

extension View {
    /// Has a node look for news often while this view's scene is in front of its user, else seldom: put it on the
    /// content of the app's `WindowGroup`. Where an app has several windows, `AppStateWatcher` looks at the whole app.
    public func pace(of node: Node?) -> some View {
        modifier(ScenePace(node: node))
    }
}

private struct ScenePace: ViewModifier {
    let node: Node?
    @Environment(\.scenePhase) private var phase

    /// What is told again when it changes: a node that has just been opened is told too.
    private struct Occasion: Equatable {
        let node: ObjectIdentifier?
        let phase: ScenePhase
    }

    func body(content: Content) -> some View {
        content.task(id: Occasion(node: node.map(ObjectIdentifier.init), phase: phase)) {
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
