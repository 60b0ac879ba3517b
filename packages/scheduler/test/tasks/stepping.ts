// Tasks of steps.
import { workerData } from 'node:worker_threads';
import { defineTasks, goOn, steps } from '../../src/index.ts';
import { ARRIVED, COUNTS, GATE } from './words.ts';

const words = workerData as Int32Array | undefined;

function arrive(): void {
  if (words === undefined) return;
  Atomics.add(words, ARRIVED, 1);
  Atomics.notify(words, ARRIVED);
}

export interface Sum {
  readonly left: number;
  readonly sum: number;
}

export const stepping = defineTasks(import.meta.url, {
  sum: steps(({ left, sum }: Sum) => (left === 0 ? sum : goOn({ left: left - 1, sum: sum + left }))),
  at: steps((n: number) => n),
  /** Every other step is asynchronous. */
  mixed: steps((n: number) => {
    if (n === 0) return 'done';
    return n % 2 === 0 ? Promise.resolve(goOn(n - 1)) : goOn(n - 1);
  }),
  asynchronous: steps(async (n: number) => (n === 0 ? 'done' : goOn(n - 1))),
  fail: steps((n: number) => {
    if (n === 0) throw new RangeError('in a step');
    return goOn(n - 1);
  }),
  failLater: steps(async (n: number) => {
    if (n === 0) throw new RangeError('in an asynchronous step');
    return goOn(n - 1);
  }),
  /** Steps until the gate is open, which only something else can do. */
  untilOpen: steps((value: number) => {
    if (words === undefined) return value;
    Atomics.add(words, COUNTS, 1);
    if (Atomics.load(words, COUNTS) === 1) arrive();
    return Atomics.load(words, GATE) === 0 ? goOn(value) : value;
  }),
  forEver: steps((n: number) => {
    if (n === 0) arrive();
    return goOn(n + 1);
  }),
  forEverLater: steps(async (n: number) => {
    if (n === 0) arrive();
    return goOn(n + 1);
  }),
  openGate(): void {
    if (words !== undefined) Atomics.store(words, GATE, 1);
  },
});
