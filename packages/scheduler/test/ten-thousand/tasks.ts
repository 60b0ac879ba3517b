// Sources of tasks for the slow lane: each notes in shared memory when it ran, by a count that all share.
import { workerData } from 'node:worker_threads';
import { defineTasks } from '../../src/index.ts';

/** Names of tasks. */
export const SOURCES = 100;
/** Tasks of all of them. */
export const TASKS = 10_000;

/** Words of `workerData`: whether the gate is open, how many have run, how often each has, and which was the n-th. */
export const GATE = 0;
export const RAN = 1;
export const TIMES = 2;
export const ORDER: number = TIMES + TASKS;
export const WORDS: number = ORDER + TASKS;

export const sourceName = (n: number): string => `source${String(n).padStart(2, '0')}`;

function note(id: number): number {
  const words = workerData as Int32Array;
  const nth = Atomics.add(words, RAN, 1);
  Atomics.add(words, TIMES + id, 1);
  if (nth < TASKS) Atomics.store(words, ORDER + nth, id);
  return id;
}

export const sources = defineTasks(
  import.meta.url,
  Object.fromEntries(Array.from({ length: SOURCES }, (_, n) => [sourceName(n), note])),
);

export const gate = defineTasks(import.meta.url, {
  /** Keeps its worker busy until the gate is open. */
  hold(): void {
    Atomics.wait(workerData as Int32Array, GATE, 0);
  },
});
