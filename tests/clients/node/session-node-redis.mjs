// Sessions on node-redis 5 in RESP3 that must never end: a pipeline, a request that blocks, a subscriber, a cached script.
// usage: node session-node-redis.mjs HOST:PORT
import { createClient } from "redis-5";
import { addresses, now, say, sayError, stdinEnded, versionOf } from "./lines.mjs";
import { rounds } from "./rounds.mjs";

const [{ host, port }] = addresses(process.argv[2]);
let leaving = false;
async function connection(name) {
  const client = createClient({ socket: { host, port, reconnectStrategy: false }, RESP: 3, name, database: 3 });
  client.on("error", sayError);
  client.on("end", () => leaving || say("E", now(), `${name} was closed`));
  return client.connect();
}
const [writes, pops, news] = await Promise.all(["writes", "pops", "news"].map(connection));
say("V", versionOf("redis-5"));
let heard = 0;
await news.subscribe("node-redis", () => heard++);
const sha = await writes.scriptLoad("return redis.call('INCR', KEYS[1])");

await rounds(stdinEnded(), {
  name: "node-redis",
  pipeline: (key, depth) => Promise.all(Array.from({ length: depth }, () => writes.incr(key))),
  transaction: async (key) => (await writes.multi().incr(key).exec())[0],
  script: (key) => writes.evalSha(sha, { keys: [key] }),
  push: (list, value) => writes.rPush(list, value),
  pop: async (list) => (await pops.blPop(list, 1))?.element,
  publish: (text) => writes.publish("node-redis", text),
  heard: () => heard,
});
leaving = true;
process.exit(0);
