import Connectoid
import func ConnectoidBindings.uniffiForeignFutureHandleCountConnectoid
import ConnectoidTestSupport
import Foundation
import Testing

/// Cancelling a task stops the work in Rust: what only the engine can know is looked at.
@Suite(.serialized) struct CancellingTests {
    @Test func messagesThatAreCancelledMakeRoomForOthers() async throws {
        try await storyOfTwo { alice, bob in
            let gone: @Sendable (EventKind) -> Bool? = { if case .disconnected = $0 { true } else { nil } }
            _ = try await alice.expect(gone) { await bob.close() }
            // At most 64 messages wait for a peer; one more fails at once, unless those before are really gone.
            for turn in 0..<200 {
                let sending = Task { try await alice.send("bob", Data(count: 1000)) }
                // At times the engine has seen the message before it is cancelled, at times it has not begun.
                if turn % 2 == 0 { _ = try await alice.groups() }
                if turn % 3 == 0 { await Task.yield() }
                sending.cancel()
                await #expect(throws: CancellationError.self, "message \(turn)") { try await sending.value }
            }
            // Without cancelling, they fill the room up: of one more than has room, one is refused.
            let finished = Told<ConnectoidError.Kind?>()
            let waiting = (0..<65).map { _ in
                Task {
                    do {
                        try await alice.send("bob", Data(count: 1000))
                    } catch {
                        await finished.tell((error as? ConnectoidError)?.kind)
                    }
                }
            }
            #expect(await finished.first(1) == [.unanswered])
            waiting.forEach { $0.cancel() }
            for sending in waiting { await sending.value }
            #expect(await finished.all.compactMap(\.self) == [.unanswered])
        }
    }

    private struct Slow: KeyStore {
        let asked: Told<String>

        func load() async throws -> Data? {
            await asked.tell("asked")
            do {
                try await Task.sleep(for: .seconds(3600))
            } catch {
                await asked.tell("cancelled")
                throw error
            }
            return nil
        }

        func save(_ secret: Data) async throws {}
    }

    @Test func cancellingTheOpeningOfANodeCancelsTheKeyStoreAndFreesTheFolder() async throws {
        try await story { service in
            try await inFolder { folder in
                let asked = Told<String>()
                let opening = Task {
                    try await Node.open(settings(service, folder: folder), keyStore: Slow(asked: asked))
                }
                _ = await asked.first(1)
                opening.cancel()
                await #expect(throws: CancellationError.self) { try await opening.value }
                #expect(await asked.first(2) == ["asked", "cancelled"])
                await (try await Node.open(settings(service, folder: folder))).close()
            }
        }
    }

    private actor Deaf: KeyStore {
        let asked = Told<Void>()
        private var waiting: CheckedContinuation<Void, Never>?

        func load() async throws -> Data? {
            await asked.tell(())
            await withCheckedContinuation { waiting = $0 }
            return nil
        }

        func save(_ secret: Data) async throws {}

        func answer() { waiting?.resume() }
    }

    @Test func aKeyStoreThatDoesNotListenDelaysNobody() async throws {
        try await story { service in
            try await inFolder { folder in
                let store = Deaf()
                let opening = Task { try await Node.open(settings(service, folder: folder), keyStore: store) }
                _ = await store.asked.first(1)
                opening.cancel()
                await #expect(throws: CancellationError.self) { try await opening.value }
                await (try await Node.open(settings(service, folder: folder))).close()
                await store.answer()
            }
        }
    }

    @Test func aNodeIsOpenedOrNotButNeverBoth() async throws {
        try await story { service in
            try await inFolder { folder in
                for turn in 0..<40 {
                    let opening = Task { try await Node.open(settings(service, folder: folder)) }
                    try await Task.sleep(for: .milliseconds(turn))
                    opening.cancel()
                    // Whatever came of it, the folder is free.
                    if let node = try? await opening.value { await node.close() }
                    await (try await Node.open(settings(service, folder: folder))).close()
                }
            }
        }
    }

    @Test func callsOfATaskThatIsCancelledAlreadyAreNotMade() async throws {
        try await storyOfOne { node in
            let task = Task {
                while !Task.isCancelled { await Task.yield() }
                try await node.put("g", "c", "r", ["x": 1])
            }
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            let written = try await node.record("g", "c", "r")
            #expect(written == nil)
            // Closing is carried out all the same.
            await Task {
                withUnsafeCurrentTask { $0?.cancel() }
                await node.close()
            }.value
            await fails(.closed) { _ = try await node.groups() }
        }
    }

    @Test func loopsThatAreCancelledLeaveNothingBehind() async throws {
        try await storyOfOne { node in
            for _ in 0..<50 {
                for try await _ in node.observe("g", "c") { break }
            }
            let (events, changes) = (Told<Void>(), Told<Void>())
            let loops = (0..<50).flatMap { _ in
                [
                    Task {
                        for await _ in node.events { await events.tell(()) }
                    },
                    Task {
                        for try await _ in node.changes("g", "c") { await changes.tell(()) }
                    },
                ]
            }
            _ = await changes.first(50)
            for loop in loops { loop.cancel() }
            for loop in loops { _ = await loop.result }
            await node.close()
        }
        // Calls of listeners that are still under way, by the library's own count.
        for _ in 0..<1000 where uniffiForeignFutureHandleCountConnectoid() > 0 {
            try await Task.sleep(for: .milliseconds(1))
        }
        #expect(uniffiForeignFutureHandleCountConnectoid() == 0)
    }
}
