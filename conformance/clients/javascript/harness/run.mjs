// Runs cases and says of each, in one line of JSON, whether it held.

import { Wire } from './wire.mjs';

const [endpoint, ...only] = process.argv.slice(2);

/** Runs `cases`, an object of async functions by name, one after the other, each with a `Wire` of its own. */
export async function run(cases) {
  for (const [name, body] of Object.entries(cases)) await tell(name, body);
}

/** As `run`, but all at once: for cases that mostly wait. */
export async function runTogether(cases) {
  await Promise.all(Object.entries(cases).map(([name, body]) => tell(name, body)));
}

async function tell(name, body) {
  if (only.length === 0 || only.includes(name)) console.log(JSON.stringify(await outcome(name, body)));
}

async function outcome(name, body) {
  const wire = new Wire(endpoint);
  try {
    await body(wire);
    return { case: name, ok: true, detail: '' };
  } catch (error) {
    return { case: name, ok: false, detail: `${error.stack ?? error}` };
  } finally {
    await wire.close();
  }
}
