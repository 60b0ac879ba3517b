// Tasks that keep their worker, in every way there is, and others beside them. `workerData` is an Int32Array.
import { pbkdf2Sync } from 'node:crypto';
import { workerData } from 'node:worker_threads';
import { defineTasks, goOn, steps, type TaskContext } from '../../src/index.ts';
import { ARRIVED, GATE } from './words.ts';

const words = workerData as Int32Array;

function arrive(): void {
  Atomics.add(words, ARRIVED, 1);
  Atomics.notify(words, ARRIVED);
}

function neverEnds(word: number): never {
  arrive();
  for (;;) words[word] = (words[word] as number) + 1;
}

export const hogs = defineTasks(import.meta.url, {
  plain: (word: number): never => neverEnds(word),
  *generator(word: number): Generator<void, never> {
    for (let i = 0; i < 3; i++) yield;
    neverEnds(word);
  },
  steps: steps(({ word, left }: { word: number; left: number }) =>
    left > 0 ? goOn({ word, left: left - 1 }) : neverEnds(word),
  ),
  // oxlint-disable-next-line require-await -- what it does before it would await
  async beforeAwait(word: number): Promise<never> {
    neverEnds(word);
  },
  async afterAwait(word: number): Promise<never> {
    await new Promise((resolve) => setTimeout(resolve, 1));
    neverEnds(word);
  },
  /** The event loop is busy all the time, and turns. */
  async busyTurns(ms: number): Promise<number> {
    const endMs = performance.now() + ms;
    while (performance.now() < endMs) {
      const soonMs = performance.now() + 2;
      while (performance.now() < soonMs);
      await new Promise((resolve) => setImmediate(resolve));
    }
    return ms;
  },
  /** Leaves a callback behind that never ends. */
  leaves(word: number): void {
    setTimeout(() => void neverEnds(word), 1);
  },
  asleep(word: number): void {
    arrive();
    Atomics.wait(words, word, 0);
  },
  /** Heeds that nobody waits for it any more. */
  until(_: undefined, { cancelled }: TaskContext): string {
    arrive();
    while (!cancelled());
    return 'told';
  },
  spinUntilOpen(value: number): number {
    arrive();
    while (Atomics.load(words, GATE) === 0);
    return value;
  },
  spinFor(ms: number): number {
    arrive();
    const endMs = performance.now() + ms;
    while (performance.now() < endMs);
    return ms;
  },
  /** For about so many half milliseconds no JavaScript runs. */
  native(rounds: number): number {
    arrive();
    return pbkdf2Sync('a', 'b', rounds * 1000, 64, 'sha512').length;
  },
  errorSettings: () => [Error.stackTraceLimit, Object.hasOwn(Error, 'prepareStackTrace')],
  ping: (n: number): number => n + 1,
  /** Waits without keeping its worker until the gate is open. */
  async waits(n: number): Promise<number> {
    arrive();
    await Atomics.waitAsync(words, GATE, 0).value;
    return n;
  },
  *yields(count: number): Generator<void, number> {
    for (let i = 0; i < count; i++) yield;
    return count;
  },
});
