// What a session does over and over, and what must come of it. Each error is printed, and so is each wrong answer.
import { setTimeout as pause } from "node:timers/promises";
import { now, say, sayError } from "./lines.mjs";

const DEPTH = 16;

export async function rounds(state, client) {
  const key = `${client.name}:count`;
  const list = `${client.name}:list`;
  const popped = popUntil(state, client, list);
  let count = 0;
  const expect = (value) => {
    count += 1;
    if (Number(value) !== count) throw new Error(`wrong answer: ${value}, not ${count}`);
  };
  let round = 0;
  while (!state.ended) {
    try {
      for (const value of await client.pipeline(key, DEPTH)) expect(value);
      expect(await client.transaction(key));
      expect(await client.script(key));
      round += 1;
      await client.push(list, String(round));
      await client.publish(String(round));
      say("W", round, now());
    } catch (error) {
      sayError(error);
      break;
    }
    await pause(5);
  }
  state.pushed = round;
  await popped;
  if (client.heard() === 0) say("E", now(), "no message was heard");
}

/** Everything that was pushed comes once and in its order. */
async function popUntil(state, client, list) {
  let expected = 1;
  while (!state.ended || expected <= (state.pushed ?? Infinity)) {
    try {
      const value = await client.pop(list);
      if (state.ended && !value) break;
      if (!value) continue;
      if (Number(value) !== expected) throw new Error(`popped ${value}, not ${expected}`);
      expected += 1;
    } catch (error) {
      sayError(error);
      return;
    }
  }
  if (state.pushed && expected <= state.pushed) say("E", now(), `${state.pushed - expected + 1} were never popped`);
}
