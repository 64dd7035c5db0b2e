import Connectoid
import ConnectoidTestSupport
import Foundation
import Testing

/// That a call fails in this way; returns how.
@discardableResult
func fails(
    _ kind: ConnectoidError.Kind, at location: SourceLocation = #_sourceLocation, _ call: () async throws -> Void
) async -> ConnectoidError? {
    do {
        try await call()
        Issue.record("it did not fail", sourceLocation: location)
    } catch let error as ConnectoidError {
        #expect(error.kind == kind, sourceLocation: location)
        return error
    } catch {
        Issue.record(error, sourceLocation: location)
    }
    return nil
}

/// Waits until a node can use a folder: nobody tells when one that was let go, or was not opened to the end, has left it.
func isFree(_ folder: URL, _ service: String) async throws {
    try await within(patience) {
        while true {
            do {
                return await (try await Node.open(settings(service, folder: folder))).close()
            } catch let error as ConnectoidError where error.kind == .storageUnavailable {
                await Task.yield()
            }
        }
    }
}

/// What was told so far, from any task.
actor Told<T: Sendable> {
    private(set) var all: [T] = []
    private var waiting: [(count: Int, CheckedContinuation<Void, Never>)] = []

    func tell(_ item: T) {
        all.append(item)
        for waiter in waiting where waiter.count <= all.count { waiter.1.resume() }
        waiting.removeAll { $0.count <= all.count }
    }

    /// Waits until so much was told.
    func first(_ count: Int) async -> [T] {
        if all.count < count {
            await withCheckedContinuation { waiting.append((count, $0)) }
        }
        return Array(all.prefix(count))
    }
}
