// Make the vectors of JavaScript's encoders. In a folder that has them installed
// (npm install @msgpack/msgpack msgpackr msgpack-lite): node make_node.mjs THAT-FOLDER
//
// What is expected is written here by hand from the protocol; nothing of reel is run.
import { createRequire } from "node:module";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const folder = dirname(fileURLToPath(import.meta.url));
const modules = join(resolve(process.argv[2] ?? "."), "node_modules");
const require = createRequire(join(modules, "x.js"));
const official = require("@msgpack/msgpack");
const msgpackr = require("msgpackr");
const lite = require("msgpack-lite");

const versionOf = (name) =>
  JSON.parse(readFileSync(join(modules, name, "package.json"), "utf8")).version;

const encoders = {
  "msgpack-js": { name: "@msgpack/msgpack", encode: official.encode },
  msgpackr: { name: "msgpackr", encode: msgpackr.pack },
  "msgpack-lite": { name: "msgpack-lite", encode: lite.encode },
};

const samples = [0, 1, -1, 256, -32768, 32767, 12345, -12345];
const pcm16 = Buffer.from(Int16Array.from(samples).buffer);
const audio = { channels: 1, rate: 16000, sample_size: 2 };
const format = { ...audio, encoding: "pcm" };

function write(name, payload, expected, madeBy, suffix = "msgpack") {
  writeFileSync(join(folder, `${name}.${suffix}`), payload);
  const text = JSON.stringify({ made_by: madeBy, ...expected }, null, 1);
  writeFileSync(join(folder, `${name}.expect.json`), text + "\n");
}

function fragment(data, numbers, more = {}) {
  return { kind: "fragment", format, frames: data.length / 2, data: data.toString("hex"),
           ...numbers, ...more };
}

// `seq` below 2^32, `frame`, `time` and `boot` past it: encoders differ in how they write those.
const session = { id: "s1", seq: 70000, frame: 5000000000, boot: 1714550400123,
                  time: 1714550400123456, end: true, reply_to: "reel/v1/reply/mic1/ack" };
const numbers = { session: "s1", seq: 70000, frame: 5000000000, boot: 1714550400123,
                  time: 1714550400123456, end: true, reply_to: "reel/v1/reply/mic1/ack" };
const tags = { site: "attic é", gain: -3.5, count: 3 };

for (const [prefix, { name, encode }] of Object.entries(encoders)) {
  const madeBy = `${name} ${versionOf(name)}`;

  write(`${prefix}-full`, encode({ metadata: { session, audio, tags }, data: pcm16 }),
        fragment(pcm16, numbers, { tags }), madeBy);
  write(`${prefix}-array`, encode({ metadata: { session: { id: "s1" }, audio }, data: samples }),
        fragment(pcm16, { session: "s1" }), madeBy);
  write(`${prefix}-nil`,
        encode({ metadata: { session: { id: "s1", seq: null, boot: null }, audio, tags: null },
                 data: pcm16 }),
        fragment(pcm16, { session: "s1" }), madeBy);
  write(`${prefix}-long`,
        encode({ metadata: { audio }, data: Buffer.concat(Array(100).fill(pcm16)) }),
        { ...fragment(pcm16, {}), frames: 8 * 100, repeat: 100 }, madeBy);
  const body = { device: "mic1", limit: 50, min_duration: 1.5, kept: true, offset: 5000000000,
                 tags: { site: "attic" } };
  write(`${prefix}-request`, encode(body), { kind: "request", document: body }, madeBy);
}

// A typed array of samples is bytes to @msgpack/msgpack.
write("msgpack-js-uint8array",
      official.encode({ metadata: { audio }, data: new Uint8Array(pcm16) }), fragment(pcm16, {}),
      `@msgpack/msgpack ${versionOf("@msgpack/msgpack")}`);
write("msgpackr-bigint",
      msgpackr.pack({ metadata: { session: { seq: 7n, time: 1714550400123456n,
                                             boot: 18446744073709551615n }, audio },
                      data: pcm16 }),
      fragment(pcm16, { seq: 7, time: 1714550400123456, boot: "18446744073709551615" }),
      `msgpackr ${versionOf("msgpackr")}`);
// Its record extension is no MessagePack that another program could read.
write("bad-msgpackr-records",
      new msgpackr.Packr({ useRecords: true }).pack({ metadata: { audio }, data: pcm16 }),
      { kind: "fragment", error: { code: "bad-request", field: "payload" } },
      `msgpackr ${versionOf("msgpackr")} with records`);
write("json-node",
      JSON.stringify({ metadata: { session, audio, tags }, data: pcm16.toString("base64") }),
      fragment(pcm16, numbers, { tags }), "JavaScript JSON", "payload.json");
