"""One side of a connection of aiortc, told what to do by lines on standard input: see README.md."""

import asyncio
import json
import sys

from aiortc import RTCPeerConnection, RTCSessionDescription

# How much is handed to the library before it has sent what it has: enough to keep it busy.
BUFFERED = 1 << 20


def say(**line):
    print(json.dumps(line), flush=True)


class Side:
    """The connection at hand."""

    def start(self):
        self.awaited = self.received = 0
        self.peer = RTCPeerConnection()
        self.channel = self.peer.createDataChannel("bench", negotiated=True, id=2)
        self.channel.bufferedAmountLowThreshold = BUFFERED // 2
        self.low = asyncio.Event()
        self.channel.on("open", lambda: say(open=True))
        self.channel.on("message", self.on_message)
        self.channel.on("bufferedamountlow", self.low.set)

    def on_message(self, message):
        self.received += len(message)
        if self.received == self.awaited:
            say(received=self.received)

    async def describe(self, description):
        """Applies our description, which waits for its candidates, and tells it."""
        await self.peer.setLocalDescription(description)
        # The SDK takes descriptions with fingerprints by SHA-256 alone, as all that speak its protocol send.
        others = ("a=fingerprint:sha-384", "a=fingerprint:sha-512")
        lines = self.peer.localDescription.sdp.splitlines(keepends=True)
        say(sdp="".join(line for line in lines if not line.startswith(others)))

    async def offer(self):
        self.start()
        await self.describe(await self.peer.createOffer())

    async def answer(self, sdp):
        self.start()
        await self.peer.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
        await self.describe(await self.peer.createAnswer())

    async def accept(self, sdp):
        await self.peer.setRemoteDescription(RTCSessionDescription(sdp, "answer"))

    async def receive(self, bytes):
        self.awaited, self.received = bytes, 0
        say(ready=True)

    async def send(self, bytes, size):
        message = b"\0" * size
        for _ in range(0, bytes, size):
            if self.channel.bufferedAmount > BUFFERED:
                self.low.clear()
                await self.low.wait()
            self.channel.send(message)

    async def close(self):
        await self.peer.close()
        say(closed=True)


async def main():
    lines = asyncio.StreamReader(limit=1 << 20)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(lines), sys.stdin
    )
    side = Side()
    while line := await lines.readline():
        order = json.loads(line)
        await getattr(side, order.pop("do"))(**order)


asyncio.run(main())
