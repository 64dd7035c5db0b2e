import Connectoid
import Foundation

func quickStart(service: String, folder: URL) async throws -> String {
    // Both run here for show, and so `loopback`; really, each is an app on a device of its own.
    let alice = try await Node.open(
        NodeSettings(folder: folder.appendingPathComponent("alice"), services: [service], loopback: true))
    let bob = try await Node.open(
        NodeSettings(folder: folder.appendingPathComponent("bob"), services: [service], loopback: true))

    // "Who do you share with?" "Bob." Send this link by any messenger; on Bob's device, it opens the app.
    let link = try await alice.share("bob", group: "shopping").link
    try await bob.openLink(link, nickname: "alice")

    // Both write, offline or not; both see the same.
    try await alice.put("shopping", "items", "milk", ["count": 2])
    let items = try await bob.observe("shopping", "items").first { !$0.isEmpty } ?? []

    await alice.close()
    await bob.close()
    return items.map { "\($0.id): \($0["count"]?.int ?? 0)" }.joined(separator: ", ")
}
