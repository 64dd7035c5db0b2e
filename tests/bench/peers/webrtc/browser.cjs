// One side of a connection in a real browser, told what to do by lines on standard input: see README.md.
//
//     node browser.cjs chromium|firefox
"use strict";

const { readFileSync } = require("node:fs");

const puppeteer = require("puppeteer-core");

// Addresses are told as they are: nobody answers for names by mDNS here.
const BROWSERS = {
  chromium: {
    executablePath: "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-features=WebRtcHideLocalIpsWithMdns",
      "--disable-sync",
    ],
  },
  firefox: {
    browser: "firefox",
    executablePath: "/usr/bin/firefox-esr",
    extraPrefsFirefox: { "media.peerconnection.ice.obfuscate_host_addresses": false },
  },
};

async function main() {
  const browser = await puppeteer.launch({ headless: true, ...BROWSERS[process.argv[2]] });
  const page = await browser.newPage();
  await page.exposeFunction("say", (line) => process.stdout.write(`${JSON.stringify(line)}\n`));
  await page.evaluate(readFileSync(`${__dirname}/side.js`, "utf8"));
  await page.evaluate(() => {
    globalThis.orders = side(say, RTCPeerConnection);
  });
  for await (const line of require("node:readline").createInterface({ input: process.stdin })) {
    await page.evaluate((order) => orders[order.do](order), JSON.parse(line));
  }
  await browser.close();
}

main();
