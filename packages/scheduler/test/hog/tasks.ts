// A hog, and a hundred tasks that behave.
import { createHash } from 'node:crypto';
import { defineTasks, goOn, steps } from '../../src/index.ts';

/** Tasks that behave, each by a name of its own. */
export const BEHAVED = 100;
/** What one of them does: some 50 µs of work. */
const DIGEST_BYTES = 32 * 1024;

const bytes = Buffer.alloc(DIGEST_BYTES, 'behaved');

/** What a task that behaves returns. */
export const digestOf = (round: number): string =>
  createHash('sha256').update(bytes).update(String(round)).digest('hex');

export const nameOf = (n: number): string => `behaved${String(n).padStart(2, '0')}`;

export const behaved = defineTasks(
  import.meta.url,
  Object.fromEntries(Array.from({ length: BEHAVED }, (_, n) => [nameOf(n), digestOf])),
);

export interface HogState {
  /** What each of its steps takes of the CPU, by its own clock. */
  readonly stepMs: number;
  /** When it ends, by `Date.now()`. */
  readonly until: number;
  /** Where it was, in order: how many steps on which worker. */
  readonly stays: readonly Stay[];
}

export type Stay = readonly [worker: number, taken: number];

function stayed(stays: readonly Stay[], worker: number): readonly Stay[] {
  const [last, taken] = stays.at(-1) ?? [];
  return last === worker ? [...stays.slice(0, -1), [worker, (taken as number) + 1]] : [...stays, [worker, 1]];
}

function spin(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

export const hogs = defineTasks(import.meta.url, {
  /** Its state travels: it can go on elsewhere. */
  hog: steps((state: HogState, { worker }) => {
    spin(state.stepMs);
    const stays = stayed(state.stays, worker);
    return Date.now() >= state.until ? stays : goOn({ ...state, stays });
  }),
});
