package io.github.connectoid

import kotlin.time.Duration.Companion.days
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.put
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertInstanceOf
import org.junit.jupiter.api.Assertions.assertNotNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

class SharingTest {
    @Test
    fun `two nodes share and keep their records the same`() = storyOfTwo { alice, bob ->
        alice.put("g", "c", "milk") { put("count", 2) }
        bob.shows("milk", buildJsonObject { put("count", 2) })
        bob.put("g", "c", "milk") { put("brand", "oat") }
        alice.shows("milk", buildJsonObject { put("brand", "oat"); put("count", 2) })

        val peer = alice.peers().single()
        assertEquals(listOf("bob", bob.userId), listOf(peer.nickname, peer.user))
        assertEquals(PairState.PAIRED to ConnectionState.CONNECTED, peer.state to peer.connection)
        assertNotNull(peer.groups.single().lastSyncedAt)
        assertEquals(listOf(Side.CREATOR, Side.OPENER), listOf(peer.side, bob.peers().single().side))
        assertEquals("g" to Role.WRITER, bob.groups().single().let { it.name to it.role })
        val lost = alice.history("g", "c", "milk").map { it.field to it.nickname }
        assertEquals(setOf("count" to "me", "brand" to "bob"), lost.toSet())
    }

    @Test
    fun `a reader reads and does not write`() = storyOfTwo(Role.READER) { alice, bob ->
        alice.put("g", "c", "r") { put("x", 1) }
        bob.shows("r", buildJsonObject { put("x", 1) })
        fails<ConnectoidException.NotPermitted> { bob.put("g", "c", "r") { put("x", 2) } }
        assertEquals(Role.READER, bob.groups().single().role)
    }

    @Test
    fun `messages of an app arrive and are confirmed`() = storyOfTwo { alice, bob ->
        val data = ByteArray(256 shl 10) { it.toByte() }
        val message = bob.expect<EventKind.Message> { alice.send("bob", data) }
        assertEquals("alice", message.nickname)
        assertArrayEquals(data, message.data)
        fails<ConnectoidException.Usage> { alice.send("bob", ByteArray((256 shl 10) + 1)) }
    }

    @Test
    fun `both sides see the same emoji`() = storyOfTwo { alice, bob ->
        lateinit var atBob: EventKind.Emojis
        val atAlice = alice.expect<EventKind.Emojis> { atBob = bob.expect { alice.verify("bob") } }
        assertEquals(atAlice.emojis to atAlice.names, atBob.emojis to atBob.names)
        alice.confirmVerify("bob", same = true)
        assertEquals(Verified.SAS, alice.peers().single().verified)
        fails<ConnectoidException.Usage> { alice.confirmVerify("bob", same = true) }
    }

    @Test
    fun `unsharing deletes the keys on both sides`() = storyOfTwo { alice, bob ->
        bob.expect<EventKind.Unshared> { alice.unshare("bob") }
        assertTrue(alice.peers().isEmpty() && bob.peers().isEmpty())
        assertEquals(listOf("me"), alice.groups().single().members.map { it.nickname })
    }

    @Test
    fun `whoever comes second is refused, and the maker of the link is warned`() = story { service ->
        val (alice, bob, eve) = List(3) { node(service) }
        val link = alice.share("bob", "g").link
        bob.expect<EventKind.Synced> { bob.openLink("Look, Bob: $link !", "alice") }
        lateinit var refused: EventKind.OpenRefused
        val alarm = alice.expect<EventKind.LinkOpenedAgain> { refused = eve.expect { eve.openLink(link, "alice") } }
        assertInstanceOf(ConnectoidException.LinkUsed::class.java, refused.problem)
        assertEquals("link_used" to Blame.PEER, refused.problem.let { it.kind to it.blame })
        assertEquals("bob" to refused.winner, alarm.nickname to alarm.winner)
        assertEquals("link_used", eve.diagnose("alice").findings.first().kind)
        listOf(alice, bob, eve).forEach { it.close() }
    }

    @Test
    fun `what is no link is refused`() = story { service ->
        node(service).use { node ->
            val link = node.share("bob", "g", expiresIn = 1.days, placement = Placement.QUERY).link
            assertTrue("?connectoid=" in link)
            for (text in listOf("", "hello", link.replaceAfter("connectoid=", "AAAA"), "x".repeat(60_000))) {
                val failure = fails<ConnectoidException.LinkMalformed> { node.openLink(text, "alice") }
                assertFalse(failure.debug.isEmpty())
            }
            fails<ConnectoidException.Usage> { node.openLink("x".repeat(70_000), "alice") }
            fails<ConnectoidException.LinkOwn> { node.openLink(link, "bob") }
        }
    }

    @Test
    fun `a link that was scanned in person is remembered as such`() = story { service ->
        val (alice, bob) = List(2) { node(service) }
        val shared = alice.share("bob", "g")
        Qr(shared.link).use { qr ->
            assertTrue(qr.svg().startsWith("<svg"))
            assertArrayEquals(byteArrayOf(0x89.toByte(), 'P'.code.toByte()), qr.png(4).copyOf(2))
            assertTrue(qr.terminal().lines().size > 20)
            fails<ConnectoidException.Usage> { qr.png(33) }
        }
        assertFalse(shared.link in shared.toString())
        bob.openLinkInPerson(shared.link, "alice")
        assertEquals(Verified.IN_PERSON_QR, bob.peers().single().verified)
        listOf(alice, bob).forEach { it.close() }
    }
}
