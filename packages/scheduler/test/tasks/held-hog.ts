// A hog whose test decides when it begins and ends. `workerData` is an Int32Array, as of gated.ts.
import { workerData } from 'node:worker_threads';
import { defineTasks, goOn, steps } from '../../src/index.ts';
import { ARRIVED, GATE } from './words.ts';

const words = workerData as Int32Array;

export interface HeldHogState {
  /** What each of its steps takes. */
  readonly stepMs: number;
  /** How many it takes, unless it is moved: then it waits in its first step elsewhere, and that is the last one. */
  readonly left: number;
  /** The workers on which its steps were. */
  readonly workers: readonly number[];
}

function hold(): void {
  Atomics.add(words, ARRIVED, 1);
  Atomics.notify(words, ARRIVED);
  Atomics.wait(words, GATE, 0);
}

function spin(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

const step = ({ stepMs, left, workers }: HeldHogState, worker: number): HeldHogState => {
  spin(stepMs);
  return { stepMs, left: left - 1, workers: [...workers, worker] };
};

export const heldHogs = defineTasks(import.meta.url, {
  /** Goes on until it is moved, and holds the worker that it is moved to until the gate is open. */
  untilMoved: steps((state: HeldHogState, { worker }) => {
    const next = step(state, worker);
    if (next.left > 0 && worker === next.workers[0]) return goOn(next);
    if (next.left > 0) hold();
    return next.workers;
  }),
  /** Holds its worker in its first step until the gate is open, and then takes all the others. */
  onceOpen: steps((state: HeldHogState, { worker }) => {
    if (state.workers.length === 0) hold();
    const next = step(state, worker);
    return next.left > 0 ? goOn(next) : next.workers;
  }),
});
