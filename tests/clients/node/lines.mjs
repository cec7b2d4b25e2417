// What the writers and listeners of this folder print, and when they stop: see ../README.md.
import { createRequire } from "node:module";
import { setTimeout as pause } from "node:timers/promises";

const PACE_MS = 10;

export const now = () => (Date.now() / 1000).toFixed(4);
export const say = (...words) => process.stdout.write(words.join(" ") + "\n");
export const versionOf = (library) => createRequire(import.meta.url)(`${library}/package.json`).version;
export const addresses = (listed) =>
  listed.split(",").map((address) => {
    const colon = address.lastIndexOf(":");
    return { host: address.slice(0, colon), port: Number(address.slice(colon + 1)) };
  });

/** `{ended}`, which turns true once stdin has ended: the runner's word to stop, also when the runner itself dies. */
export function stdinEnded() {
  const state = { ended: false };
  process.stdin.on("end", () => (state.ended = true)).resume();
  return state;
}

const oneLine = (error) => `${error?.name ?? "Error"} ${String(error?.message ?? error).replace(/\s+/g, " ")}`;
export const sayError = (error) => say("E", now(), oneLine(error));

/** Calls `write(key, value)` with a new key every time, and prints what came of it. */
export async function writeUntil(state, name, write) {
  for (let seq = 1; !state.ended; seq++) {
    try {
      await write(`${name}:${seq}`, String(seq));
      say("W", seq, now());
    } catch (error) {
      sayError(error);
    }
    await pause(PACE_MS);
  }
}
