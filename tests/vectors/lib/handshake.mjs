// The handshake, and the comparison of emoji that is bound to it.

import { expand, extract } from '@noble/hashes/hkdf.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha384 } from '@noble/hashes/sha2.js';
import { concat, join, utf8 } from './bytes.mjs';

/** What a side says first enters the transcript as its versions, one byte each, joined with its nonce. */
const hello1 = side => join(Uint8Array.from(side.versions), side.nonce);

export const transcript = ({ version, sid, offer, answer, offerer, answerer }) => sha384(join(
  utf8('connectoid/1 transcript'),
  Uint8Array.of(version),
  sid,
  offer,
  answer,
  offerer.certificate,
  answerer.certificate,
  hello1(offerer),
  hello1(answerer),
));

/** K: the extracted key, of which keys for use are expanded. */
export const sessionKey = (offerExport, answerExport) =>
  extract(sha384, concat(offerExport, answerExport), utf8('connectoid/1 session'));

export const macKey = (key, role, T) => expand(sha384, key, join(utf8('connectoid/1 hello'), utf8(role), T), 48);

export const mac = (key, T, who) => hmac(sha384, key, join(T, who.user, who.key, who.device));

export const signedPart = (T, role, who) =>
  join(utf8('connectoid/1 hello'), T, utf8(role), who.user, who.key, who.device);

export const commitment = (T, random) => sha384(join(utf8('connectoid/1 sas commitment'), T, random));

/** Seven of the 64 emoji of the Matrix specification: six bits each, the first ones first. */
export function emoji(T, starter, accepter, starterRandom, accepterRandom) {
  const info = join(utf8('connectoid/1 sas'), T, starter.user, starter.key, accepter.user, accepter.key);
  const prk = extract(sha384, concat(starterRandom, accepterRandom));
  const bits = [...expand(sha384, prk, info, 6)].map(byte => byte.toString(2).padStart(8, '0')).join('');
  return Array.from({ length: 7 }, (_, place) => EMOJI[parseInt(bits.slice(6 * place, 6 * place + 6), 2)]);
}

const EMOJI = `
  🐶 Dog,🐱 Cat,🦁 Lion,🐎 Horse,🦄 Unicorn,🐷 Pig,🐘 Elephant,🐰 Rabbit,
  🐼 Panda,🐓 Rooster,🐧 Penguin,🐢 Turtle,🐟 Fish,🐙 Octopus,🦋 Butterfly,🌷 Flower,
  🌳 Tree,🌵 Cactus,🍄 Mushroom,🌏 Globe,🌙 Moon,☁️ Cloud,🔥 Fire,🍌 Banana,
  🍎 Apple,🍓 Strawberry,🌽 Corn,🍕 Pizza,🎂 Cake,❤️ Heart,😀 Smiley,🤖 Robot,
  🎩 Hat,👓 Glasses,🔧 Spanner,🎅 Santa,👍 Thumbs up,☂️ Umbrella,⌛ Hourglass,⏰ Clock,
  🎁 Gift,💡 Light bulb,📕 Book,✏️ Pencil,📎 Paperclip,✂️ Scissors,🔒 Lock,🔑 Key,
  🔨 Hammer,☎️ Telephone,🏁 Flag,🚂 Train,🚲 Bicycle,✈️ Aeroplane,🚀 Rocket,🏆 Trophy,
  ⚽ Ball,🎸 Guitar,🎺 Trumpet,🔔 Bell,⚓ Anchor,🎧 Headphones,📁 Folder,📌 Pin`
  .split(',')
  .map(entry => /^(\S+) (.*)$/.exec(entry.trim()).slice(1));
