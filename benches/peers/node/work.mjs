// The task that every peer runs: a small Fibonacci number, and a line in the file of what ran.

import { openSync, writeSync } from 'node:fs';

export const POSITION = 20;
const VALUE = 4181;
export const CONCURRENCY = Number(process.env.PEER_CONCURRENCY);

const ran = process.env.PEER_RAN && openSync(process.env.PEER_RAN, 'a');

export function run({ number, position }) {
  let [at, after] = [0, 1];
  for (let place = 1; place < position; place += 1) [at, after] = [after, at + after];
  writeSync(ran, `${String(number).padStart(20, '0')}\n`);
  return { position, value: at };
}

export function check(number, found) {
  if (found.position !== POSITION || found.value !== VALUE) {
    throw new Error(`the result of task ${number} is wrong: ${JSON.stringify(found)}`);
  }
}
