// Writes unique keys through ioredis, until its stdin ends.
// usage: node ioredis.mjs NAME GROUP HOST:PORT,HOST:PORT,…
import { Redis } from "ioredis";
import { addresses, say, stdinEnded, versionOf, writeUntil } from "./lines.mjs";

// failoverDetector stays off, as it is by default: with it ioredis 6.0.0 gives up for good ("Connection is closed")
// when +switch-master comes while it is asking a sentinel for the address; quick retries make that likely.
const [name, group, listed] = process.argv.slice(2);
const client = new Redis({
  sentinels: addresses(listed),
  name: group,
  connectTimeout: 500,
  socketTimeout: 1000,
  sentinelCommandTimeout: 500,
  retryStrategy: (attempts) => Math.min(attempts * 10, 200),
  sentinelRetryStrategy: (attempts) => Math.min(attempts * 10, 200),
});
// Without a listener ioredis prints every lost connection; what counts is what the commands say.
client.on("error", () => {});

say("V", versionOf("ioredis"));
await writeUntil(stdinEnded(), name, (key, value) => client.set(key, value));
process.exit(0);
