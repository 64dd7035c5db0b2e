import Connectoid
import ConnectoidTestSupport
import Foundation
import Testing

@Suite struct LogTests {
    @Test func whatANodeDoesIsToldWithoutASecret() async throws {
        try await story { service in
            let (lines, told) = AsyncStream<LogLine>.makeStream()
            let log = try ConnectoidLog.follow(.trace) { line in told.yield(line) }
            let (alice, bob) = (try await node(service), try await node(service))
            try await pair(alice, bob)
            try await alice.put("g", "c", "r", ["secret": "swordfish"])
            try await bob.shows("r", ["secret": "swordfish"])
            let link = try await alice.share("carol", group: "g").link
            let secrets = [
                String(link.components(separatedBy: "connectoid=")[1].prefix { $0 != "." }), alice.userId, bob.userId,
                "swordfish", "127.0.0.1", "http",
            ]
            await alice.close()
            await bob.close()
            // Both say that they are closed, and that is the last of each.
            let all = try await within(patience) {
                var all: [LogLine] = []
                for await line in lines {
                    all.append(line)
                    if all.filter({ $0.message == "closed" }).count == 2 { break }
                }
                return all
            }
            log.cancel()
            #expect(all.contains { $0.level == .debug && $0.message.hasSuffix(": connected") })
            #expect(all.allSatisfy { $0.target.hasPrefix("connectoid") })
            for secret in secrets {
                #expect(!all.contains { $0.message.contains(secret) }, "\(secret)")
            }
        }
    }
}
