// Tasks of slow steps, whose states are of all kinds.
import { workerData } from 'node:worker_threads';
import { defineTasks, goOn, steps } from '../../src/index.ts';

const words = workerData as Int32Array;

export interface Walk {
  readonly at: number;
  readonly steps: number;
  readonly load: unknown;
  /** Whom it has met. */
  readonly workers: readonly number[];
}

function spin(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

export const moving = defineTasks(import.meta.url, {
  /** Takes the load along, and the workers on which it was. */
  walk: steps((state: Walk, { worker }) => {
    spin(3);
    const workers = state.workers.at(-1) === worker ? state.workers : [...state.workers, worker];
    const next = { ...state, at: state.at + 1, workers };
    return next.at === state.steps ? next : goOn(next);
  }),
  /** Counts its steps in words from `from` on. */
  count: steps((state: { readonly at: number; readonly steps: number; readonly from: number }) => {
    spin(3);
    Atomics.add(words, state.from + state.at, 1);
    const at = state.at + 1;
    return at === state.steps ? state.from : goOn({ ...state, at });
  }),
  /** Writes to shared memory that nobody has named. */
  fill: steps((memory: Int32Array<SharedArrayBuffer>) => {
    spin(3);
    const at = memory.indexOf(0);
    if (at < 0) return memory.length;
    memory[at] = 1;
    return goOn(memory);
  }),
  /** Too large for a slot from its first step on; only the workers it was on are its result. */
  grow: steps((state: { readonly at: number; readonly text: string }, { worker }) => {
    spin(3);
    const at = state.at + 1;
    return at === 8 ? [worker] : goOn({ at, text: 'x'.repeat(100_000) });
  }),
  /** Can not be cloned. */
  close: steps((state: number | { readonly at: number; readonly next: () => void }, { worker }) => {
    spin(3);
    const at = typeof state === 'number' ? 1 : state.at + 1;
    return at === 8 ? [worker] : goOn({ at, next: () => {} });
  }),
  crash(): never {
    process.exit(1);
  },
});
