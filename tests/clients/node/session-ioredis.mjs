// Sessions on ioredis 5 that must never end: a pipeline, a request that blocks, a subscriber, a cached script.
// usage: node session-ioredis.mjs HOST:PORT
import { Redis } from "ioredis-5";
import { addresses, now, say, sayError, stdinEnded, versionOf } from "./lines.mjs";
import { rounds } from "./rounds.mjs";

const [address] = addresses(process.argv[2]);
let leaving = false;
function connection(connectionName) {
  const client = new Redis({ ...address, connectionName, db: 3, retryStrategy: null, enableOfflineQueue: true });
  client.on("error", sayError);
  client.on("close", () => leaving || say("E", now(), `${connectionName} was closed`));
  return client;
}
const [writes, pops, news] = ["writes", "pops", "news"].map(connection);
say("V", versionOf("ioredis-5"));
let heard = 0;
news.on("message", () => heard++);
await news.subscribe("ioredis");
const sha = await writes.script("LOAD", "return redis.call('INCR', KEYS[1])");

await rounds(stdinEnded(), {
  name: "ioredis",
  pipeline: async (key, depth) => {
    const pipeline = writes.pipeline();
    for (let n = 0; n < depth; n++) pipeline.incr(key);
    return (await pipeline.exec()).map(([error, value]) => {
      if (error) throw error;
      return value;
    });
  },
  transaction: async (key) => (await writes.multi().incr(key).exec())[0][1],
  script: (key) => writes.evalsha(sha, 1, key),
  push: (list, value) => writes.rpush(list, value),
  pop: async (list) => (await pops.blpop(list, 1))?.[1],
  publish: (text) => writes.publish("ioredis", text),
  heard: () => heard,
});
leaving = true;
process.exit(0);
