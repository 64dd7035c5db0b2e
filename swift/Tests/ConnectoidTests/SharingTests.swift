import Connectoid
import ConnectoidTestSupport
import Foundation
import Testing

@Suite struct SharingTests {
    @Test func twoNodesShareAndKeepTheirRecordsTheSame() async throws {
        try await storyOfTwo { alice, bob in
            try await alice.put("g", "c", "milk", ["count": 2])
            try await bob.shows("milk", ["count": 2])
            try await bob.put("g", "c", "milk", ["brand": "oat"])
            try await alice.shows("milk", ["brand": "oat", "count": 2])

            let peer = try #require(try await alice.peers().first)
            #expect(peer.nickname == "bob" && peer.user == bob.userId)
            #expect(peer.state == .paired && peer.connection == .connected)
            #expect(peer.groups.first?.lastSyncedAt != nil)
            #expect(peer.side == .creator)
            #expect(try await bob.peers().map(\.side) == [.opener])
            let group = try #require(try await bob.groups().first)
            #expect(group.name == "g" && group.role == .writer)
            let versions = try await alice.history("g", "c", "milk")
            #expect(Set(versions.map { [$0.field, $0.nickname] }) == [["count", "me"], ["brand", "bob"]])
        }
    }

    @Test func aReaderReadsAndDoesNotWrite() async throws {
        try await storyOfTwo(role: .reader) { alice, bob in
            try await alice.put("g", "c", "r", ["x": 1])
            try await bob.shows("r", ["x": 1])
            await fails(.notPermitted) { try await bob.put("g", "c", "r", ["x": 2]) }
            #expect(try await bob.groups().first?.role == .reader)
        }
    }

    @Test func membersComeAndGo() async throws {
        try await storyOfTwo { alice, bob in
            try await alice.createGroup("more")
            let more = try await bob.expect({
                if case let .invited(group, "more", "alice") = $0 { group } else { nil }
            }) {
                try await alice.addMember("bob", group: "more", role: .reader)
            }
            #expect(try await bob.groups().first { $0.id == more }?.acceptance == .invited)
            let joined = try await bob.expect({ if case let .joined(group, "more") = $0 { group } else { nil } }) {
                try await bob.acceptInvitation("alice/more")
            }
            #expect(joined == more)
            #expect(try await bob.groups().first { $0.id == more }?.role == .reader)
            let gone = try await bob.expect({ if case let .removed(group) = $0 { group } else { nil } }) {
                try await alice.removeMember("bob", group: "more")
            }
            #expect(gone == more)
            await fails(.notPermitted) { try await alice.leaveGroup("more") }
            try await bob.forgetGroup("more")
            #expect(try await bob.groups().count == 1)
            await fails(.usage) { try await alice.addMember("eve", group: "more") }
            await fails(.notPermitted) { try await bob.addMember("alice", group: "g", role: .reader) }
        }
    }

    @Test func messagesOfAnAppArriveAndAreConfirmed() async throws {
        try await storyOfTwo { alice, bob in
            let data = Data((0..<(256 << 10)).map { UInt8(truncatingIfNeeded: $0) })
            let message = try await bob.expect(\.message) { try await alice.send("bob", data) }
            #expect(message.nickname == "alice" && message.data == data)
            let empty = try await bob.expect(\.message) { try await alice.send("bob", Data()) }
            #expect(empty.data.isEmpty)
            await fails(.usage) { try await alice.send("bob", data + [0]) }
            await fails(.usage) { try await alice.send("carol", data) }
        }
    }

    @Test func bothSidesSeeTheSameEmoji() async throws {
        let emojis: @Sendable (EventKind) -> [String]? = {
            if case let .emojis(_, names, emojis) = $0 { names + [emojis] } else { nil }
        }
        try await storyOfTwo { alice, bob in
            let atBob = Told<[String]>()
            let atAlice = try await alice.expect(emojis) {
                await atBob.tell(try await bob.expect(emojis) { try await alice.verify("bob") })
            }
            #expect(await atBob.all == [atAlice])
            try await alice.confirmVerify("bob", same: true)
            #expect(try await alice.peers().first?.verified == .sas)
            await fails(.usage) { try await alice.confirmVerify("bob", same: true) }
        }
    }

    @Test func unsharingDeletesTheKeysOnBothSides() async throws {
        try await storyOfTwo { alice, bob in
            _ = try await bob.expect({ $0 == .unshared(nickname: "alice") ? true : nil }) {
                try await alice.unshare("bob")
            }
            #expect(try await alice.peers().isEmpty)
            #expect(try await bob.peers().isEmpty)
            #expect(try await alice.groups().first?.members.map(\.nickname) == ["me"])
        }
    }

    @Test func aConnectionIsClosedAndOpenedAgain() async throws {
        try await storyOfTwo { alice, bob in
            let gone: @Sendable (EventKind) -> Bool? = { if case .disconnected = $0 { true } else { nil } }
            _ = try await bob.expect(gone) { try await alice.disconnect("bob") }
            let back: @Sendable (EventKind) -> Bool? = { $0 == .connected(nickname: "alice") ? true : nil }
            _ = try await bob.expect(back) {
                _ = try await alice.eventually { try await alice.peers().first?.connection == .resting ? true : nil }
                try await alice.connect("bob")
            }
        }
    }

    @Test func whoeverComesSecondIsRefusedAndTheMakerOfTheLinkIsWarned() async throws {
        try await story { service in
            let (alice, bob, eve) = (try await node(service), try await node(service), try await node(service))
            let link = try await alice.share("bob", group: "g").link
            _ = try await bob.expect(\.synced) { try await bob.openLink("Look, Bob: \(link) !", nickname: "alice") }
            let refused = Told<(ConnectoidError, String?)>()
            let alarm = try await alice.expect({
                if case let .linkOpenedAgain("bob", winner, _) = $0 { winner } else { nil }
            }) {
                await refused.tell(
                    try await eve.expect({
                        if case let .openRefused(_, problem, _, winner) = $0 { (problem, winner) } else { nil }
                    }) { try await eve.openLink(link, nickname: "alice") })
            }
            let (problem, winner) = try #require(await refused.all.first)
            #expect(problem.kind == .linkUsed && problem.kind.rawValue == "link_used" && problem.blame == .peer)
            #expect(winner == alarm)
            #expect(try await eve.diagnose("alice").findings.first?.kind == .linkUsed)
            for node in [alice, bob, eve] { await node.close() }
        }
    }

    @Test func whatIsNoLinkIsRefused() async throws {
        try await storyOfOne { node in
            let link = try await node.share("bob", group: "g", expiresIn: .seconds(86400), placement: .query).link
            let marker = try #require(link.range(of: "?connectoid="))
            for text in ["", "hello", link[..<marker.upperBound] + "AAAA", String(repeating: "x", count: 60_000)] {
                let failure = await fails(.linkMalformed) { try await node.openLink(text, nickname: "alice") }
                #expect(failure?.debug.isEmpty == false)
            }
            await fails(.usage) { try await node.openLink(String(repeating: "x", count: 70_000), nickname: "alice") }
            await fails(.linkOwn) { try await node.openLink(link, nickname: "bob") }
            await fails(.usage) { _ = try await node.share("carol", group: "g", expiresIn: .seconds(-1)) }
        }
    }

    @Test func aLinkThatWasScannedInPersonIsRememberedAsSuch() async throws {
        try await story { service in
            let (alice, bob) = (try await node(service), try await node(service))
            let shared = try await alice.share("bob", group: "g")
            let code = try QRCode(shared.link)
            #expect(try code.svg.hasPrefix("<svg"))
            #expect(try code.png(scale: 4).prefix(4) == Data([0x89]) + Data("PNG".utf8))
            #expect(try code.terminal.split(separator: "\n").count > 20)
            for scale in [-1, 0, 33] { await fails(.usage) { _ = try code.png(scale: scale) } }
            #expect(!"\(shared)".contains(shared.link))
            try await bob.openLinkInPerson(shared.link, nickname: "alice")
            #expect(try await bob.peers().first?.verified == .inPersonQr)
            await alice.close()
            await bob.close()
        }
    }
}
