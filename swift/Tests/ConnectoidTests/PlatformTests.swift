@testable import Connectoid
import ConnectoidTestSupport
import Foundation
import Testing

/// What the hooks for Apple's platforms have in common.
@Suite struct PlatformTests {
    @Test func aSyncInTheBackgroundSaysWhetherEverybodyHasAll() async throws {
        try await storyOfTwo { alice, bob in
            _ = try await alice.expect(\.synced) { try await alice.put("g", "c", "r", ["x": 1]) }
            #expect(try await alice.syncInBackground(budget: patience, quiet: .milliseconds(200)))
            let gone: @Sendable (EventKind) -> Bool? = { if case .disconnected = $0 { true } else { nil } }
            _ = try await alice.expect(gone) { await bob.close() }
            try await alice.put("g", "c", "r", ["x": 2])
            let done = try await alice.syncInBackground(budget: .milliseconds(100))
            #expect(!done)
            let syncing = Task { try await alice.syncInBackground(budget: patience, quiet: patience) }
            syncing.cancel()
            await #expect(throws: CancellationError.self) { try await syncing.value }
        }
    }

    @Test func whatThePlatformSaysIsToldInOrderAndOfSeveralThatWaitTheLast() async throws {
        let (told, (gates, gate)) = (Told<Int>(), AsyncStream.makeStream(of: Void.self))
        let teller = Teller<Int> { word in
            await told.tell(word)
            for await _ in gates { break }
        }
        teller.tell(1)
        _ = await told.first(1)
        for word in 2...5 { teller.tell(word) }
        gate.yield()
        #expect(await told.first(2) == [1, 5])
        gate.finish()
    }
}
