// Reads orders from stdin, and answers on stdout: `longshore/src/order.rs` has the words.

import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { check } from './work.mjs';

/** Tasks that are enqueued by one call, where nobody wants their results. */
const TOGETHER = 10;

const microseconds = (since) => Math.round((performance.now() - since) * 1000);

/** Carries out orders with `ask(number)`, a promise of a task's result, and `send(numbers)`, which enqueues tasks. */
export async function serve({ ask, send }) {
  const timed = async (number, since) => {
    check(number, await ask(number));
    return microseconds(since);
  };

  async function client(kind, take) {
    const times = [];
    for (;;) {
      const numbers = take(kind === 'send' ? TOGETHER : 1);
      if (numbers.length === 0) return times;
      if (kind === 'send') {
        await send(numbers);
        times.push(...numbers);
      } else {
        times.push(await timed(numbers[0], performance.now()));
      }
    }
  }

  async function later(number, at) {
    await pause(Math.max(0, at - performance.now()));
    // A timer of Node's fires up to a millisecond early; an answer before its task is due took no negative time.
    return [await timed(number, Math.min(at, performance.now()))];
  }

  async function carryOut(line) {
    const [kind, ...words] = line.split(' ');
    const [first, count, rate, milliseconds] = words.map(Number);
    const begun = performance.now();
    let next = first;
    const take = (wanted) => {
      if (performance.now() > begun + milliseconds) return [];
      const numbers = Array.from({ length: Math.min(wanted, first + count - next) }, (_, place) => next + place);
      next += numbers.length;
      return numbers;
    };
    const clients =
      kind === 'paced'
        ? Array.from({ length: count }, (_, place) => later(first + place, begun + (1000 * place) / rate))
        : Array.from({ length: rate }, () => client(kind, take));
    const times = (await Promise.all(clients)).flat();
    return ['ok', times.length, microseconds(begun), ...(kind === 'send' ? [] : times)].join(' ');
  }

  console.log('ready');
  for await (const line of createInterface({ input: process.stdin })) {
    console.log(await carryOut(line).catch((failure) => `failed ${String(failure).replaceAll('\n', ' ')}`));
  }
  process.exit(0);
}
