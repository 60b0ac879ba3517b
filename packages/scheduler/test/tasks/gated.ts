// Tasks that a test steps through words of shared memory: `workerData` is an Int32Array.
import { workerData } from 'node:worker_threads';
import { defineTasks } from '../../src/index.ts';
import { ARRIVED, COUNTS, GATE, STAMPS } from './words.ts';

const words = workerData as Int32Array;

function arrive(): void {
  Atomics.add(words, ARRIVED, 1);
  Atomics.notify(words, ARRIVED);
}

export const gated = defineTasks(import.meta.url, {
  /** Says that it has started, then blocks its worker until the gate is open. */
  hold(value: number): number {
    arrive();
    Atomics.wait(words, GATE, 0);
    return value;
  },
  /** Says that it has started, then never ends but by itself where nobody wants it any more. */
  untilCancelled(_: undefined, context): string {
    arrive();
    while (!context.cancelled());
    arrive();
    return 'cancelled';
  },
  /** Says that it has started, then waits for ever without blocking. */
  never(): Promise<void> {
    arrive();
    return new Promise(() => {});
  },
  /** Says that it has started, then goes on in polls of a millisecond until the gate is open. */
  *turnsUntilOpen(): Generator<void, string> {
    arrive();
    while (Atomics.load(words, GATE) === 0) {
      const until = performance.now() + 1;
      while (performance.now() < until);
      yield;
    }
    return 'open';
  },
  spin(): void {
    arrive();
    for (;;);
  },
  /** An element of a list: 0 fails, -1 does when another one has said that it has started, 1 holds its worker, 2 never ends, the others count themselves. */
  element(kind: number): number {
    if (kind === -1) Atomics.wait(words, ARRIVED, 0);
    if (kind <= 0) throw new RangeError('element 0');
    if (kind === 1) {
      arrive();
      Atomics.wait(words, GATE, 0);
    }
    if (kind === 2) {
      arrive();
      for (;;);
    }
    if (kind > 2) Atomics.add(words, COUNTS, 1);
    return kind;
  },
  /** In which order tasks ran. */
  stamp: () => Atomics.add(words, STAMPS, 1),
  /** And on which worker. */
  stampHere: (_: undefined, { worker }): [worker: number, stamp: number] => [
    worker,
    Atomics.add(words, STAMPS, 1),
  ],
  /** Counts itself in the word given. */
  count(word: number): number {
    Atomics.add(words, word, 1);
    return word;
  },
  /** Leaves a timer behind that counts its ticks in a word. */
  tickEvery([word, ms]: [number, number]): void {
    setInterval(() => Atomics.add(words, word, 1), ms);
  },
  /** Ends its worker until it runs for the `count`th time. */
  exitUnless(count: number): number {
    const ran = Atomics.add(words, COUNTS, 1) + 1;
    if (ran < count) process.exit(1);
    return ran;
  },
  exit(code: number): void {
    arrive();
    process.exit(code);
  },
});
