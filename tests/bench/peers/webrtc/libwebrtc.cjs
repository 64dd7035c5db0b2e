// One side of a connection of libwebrtc, told what to do by lines on standard input: see README.md.
"use strict";

const { RTCPeerConnection } = require("@roamhq/wrtc");

require("./side.js");

const orders = side((line) => process.stdout.write(`${JSON.stringify(line)}\n`), RTCPeerConnection);

let done = Promise.resolve();
require("node:readline")
  .createInterface({ input: process.stdin })
  .on("line", (line) => {
    const order = JSON.parse(line);
    done = done.then(() => orders[order.do](order));
  })
  .on("close", () => done.then(() => process.exit()));
