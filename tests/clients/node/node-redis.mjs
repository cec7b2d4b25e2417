// Writes unique keys through node-redis, until its stdin ends.
// usage: node node-redis.mjs NAME GROUP HOST:PORT,HOST:PORT,…
import { createSentinel } from "redis";
import { addresses, say, stdinEnded, versionOf, writeUntil } from "./lines.mjs";

const [name, group, listed] = process.argv.slice(2);
const socket = { connectTimeout: 500, socketTimeout: 1000 };
const client = createSentinel({
  name: group,
  sentinelRootNodes: addresses(listed),
  nodeClientOptions: { socket },
});
// Without a listener an error event ends the process; what counts is what the commands say.
client.on("error", () => {});
await client.connect();

say("V", versionOf("redis"));
await writeUntil(stdinEnded(), name, (key, value) => client.set(key, value));
process.exit(0);
