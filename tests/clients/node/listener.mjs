// Subscribes to +switch-master on every sentinel with ioredis and prints each message, until its stdin ends.
// usage: node listener.mjs HOST:PORT,HOST:PORT,…
import { Redis } from "ioredis";
import { addresses, now, say, sayError, stdinEnded, versionOf } from "./lines.mjs";

say("V", versionOf("ioredis"));
for (const { host, port } of addresses(process.argv[2])) {
  const client = new Redis({ host, port });
  client.on("error", sayError);
  client.on("message", (_channel, payload) => say("S", now(), `${host}:${port}`, payload));
  await client.subscribe("+switch-master");
  say("L", `${host}:${port}`);
}
const state = stdinEnded();
setInterval(() => state.ended && process.exit(0), 50);
