// One side of a connection by the API of the web, for Node and for pages: see README.md.
"use strict";

/** What a side can be told; `say` takes its answers. */
globalThis.side = (say, RTCPeerConnection) => {
  // How much is handed to the library before it has sent what it has: enough to keep it busy.
  const BUFFERED = 1 << 20;

  let peer;
  let channel;
  let awaited = 0;
  let received = 0;

  function start() {
    peer = new RTCPeerConnection();
    channel = peer.createDataChannel("bench", { negotiated: true, id: 2 });
    channel.binaryType = "arraybuffer";
    channel.onopen = () => say({ open: true });
    channel.onmessage = ({ data }) => {
      received += data.byteLength;
      if (received === awaited) say({ received });
    };
  }

  /** Applies our description, waits for its candidates and tells it. */
  async function describe(description) {
    await peer.setLocalDescription(description);
    if (peer.iceGatheringState !== "complete") {
      await new Promise((resolve) => {
        peer.onicegatheringstatechange = () => peer.iceGatheringState === "complete" && resolve();
      });
    }
    say({ sdp: peer.localDescription.sdp });
  }

  async function send(bytes, size) {
    const message = new Uint8Array(size);
    for (let sent = 0; sent < bytes; sent += size) {
      // Its event for this does not come reliably with messages of more than 16 KiB.
      while (channel.bufferedAmount > BUFFERED) await new Promise((resume) => setTimeout(resume, 1));
      channel.send(message);
    }
  }

  const orders = {
    async offer() {
      start();
      await describe(await peer.createOffer());
    },
    async answer({ sdp }) {
      start();
      await peer.setRemoteDescription({ type: "offer", sdp });
      await describe(await peer.createAnswer());
    },
    accept: ({ sdp }) => peer.setRemoteDescription({ type: "answer", sdp }),
    receive({ bytes }) {
      [awaited, received] = [bytes, 0];
      say({ ready: true });
    },
    send: ({ bytes, size }) => send(bytes, size),
    close() {
      peer.close();
      say({ closed: true });
    },
  };

  return orders;
};
