import Connectoid
import ConnectoidTestSupport
import Foundation
import Testing

@Suite struct KeyStoreTests {
    private actor InMemory: KeyStore {
        private(set) var kept: Data?

        init(_ kept: Data? = nil) {
            self.kept = kept
        }

        func load() async throws -> Data? { kept }

        func save(_ secret: Data) async throws { kept = secret }
    }

    private struct Failing: KeyStore {
        func load() async throws -> Data? { throw Failure("the device is locked") }
        func save(_ secret: Data) async throws {}
    }

    private struct Forgetful: KeyStore {
        func load() async throws -> Data? { nil }
        func save(_ secret: Data) async throws { throw Failure("there is no room") }
    }

    @Test func anAppKeepsTheSecret() async throws {
        try await story { service in
            try await inFolder { folder in
                let store = InMemory()
                let first = try await Node.open(settings(service, folder: folder), keyStore: store)
                await first.close()
                #expect(await store.kept?.count == 32)
                let key = folder.appendingPathComponent("key").path
                #expect(!FileManager.default.fileExists(atPath: key), "the secret lies nowhere else")
                let again = try await Node.open(settings(service, folder: folder), keyStore: store)
                await again.close()
                #expect(first.userId == again.userId)
                for (wrong, kind) in [
                    (InMemory(), ConnectoidError.Kind.wrongKey), (InMemory(Data(count: 32)), .wrongKey),
                    (InMemory(Data(count: 31)), .storageUnavailable),
                ] {
                    await fails(kind) { _ = try await Node.open(settings(service, folder: folder), keyStore: wrong) }
                }
            }
        }
    }

    @Test func aKeyStoreThatFailsFailsTheOpeningAndSaysWhy() async throws {
        try await story { service in
            for (store, why) in [
                (Failing() as any KeyStore, "the device is locked"), (Forgetful(), "there is no room"),
            ] {
                try await inFolder { folder in
                    let failure = await fails(.storageUnavailable) {
                        _ = try await Node.open(settings(service, folder: folder), keyStore: store)
                    }
                    #expect(failure?.message.contains(why) == true)
                }
            }
        }
    }

    @Test func aPassphraseOpensItsFolderAlone() async throws {
        try await story { service in
            try await inFolder { folder in
                var settings = settings(service, folder: folder)
                settings.passphrase = "correct horse"
                #expect(!"\(settings)".contains("horse") && !String(reflecting: settings).contains("horse"))
                var dumped = ""
                dump(settings, to: &dumped)
                #expect(!dumped.contains("horse"))
                await (try await Node.open(settings)).close()
                settings.passphrase = "wrong"
                let failure = await fails(.wrongKey) { [settings] in _ = try await Node.open(settings) }
                #expect(failure?.blame == .storage)
                settings.passphrase = "correct horse"
                await (try await Node.open(settings)).close()
            }
        }
    }
}
