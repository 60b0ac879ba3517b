// What happened to each task, in memory that outlives every thread: how often it began, and how it ended.

/** How a task ended for who submitted it. `PENDING` is what it stays where its promise never settles, or its client thread is gone. */
export const UNUSED = 0;
export const PENDING = 1;
export const FULFILLED = 2;
/** Rejected, and it must not have begun. */
export const NEVER_BEGAN = 3;
/** Rejected by what it threw: it ran. */
export const THREW = 4;
/** Rejected for another reason: it ran once, or not at all. */
export const LOST = 5;

export interface LedgerMemory {
  readonly began: Int32Array<SharedArrayBuffer>;
  readonly ends: Uint8Array<SharedArrayBuffer>;
}

export function ledgerMemory(tasks: number): LedgerMemory {
  return {
    began: new Int32Array(new SharedArrayBuffer(4 * tasks)),
    ends: new Uint8Array(new SharedArrayBuffer(tasks)),
  };
}

/** What is wrong with a task, or undefined. `mayBePending`: its client thread was terminated. */
export function complaintOf(
  task: number,
  { began, ends }: LedgerMemory,
  mayBePending: boolean,
): string | undefined {
  const times = Atomics.load(began, task);
  const end = ends[task];
  const least = end === FULFILLED || end === THREW ? 1 : 0;
  const most = end === UNUSED || end === NEVER_BEGAN ? 0 : 1;
  if (times < least || times > most)
    return `task ${task} began ${times} times and ended as ${end}, expected ${least} to ${most}`;
  return end === PENDING && !mayBePending ? `task ${task} has not settled` : undefined;
}
