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
/** Idempotent ones: they may have begun as often as was asked for. */
export const FULFILLED_AT_LAST = 6;
export const LOST_AT_LAST = 7;

/** How often an idempotent task may begin again. */
export const RETRIES = 2;

export interface LedgerMemory {
  readonly began: Int32Array<SharedArrayBuffer>;
  readonly ends: Uint8Array<SharedArrayBuffer>;
  /** Of generators and tasks of steps: the thread that polled it last; negative where that was the last poll. Written at the start of a poll. */
  readonly polledBy: Int32Array<SharedArrayBuffer>;
}

export function ledgerMemory(tasks: number): LedgerMemory {
  return {
    began: new Int32Array(new SharedArrayBuffer(4 * tasks)),
    ends: new Uint8Array(new SharedArrayBuffer(tasks)),
    polledBy: new Int32Array(new SharedArrayBuffer(4 * tasks)),
  };
}

/**
 * How many generators and tasks of steps a thread took with it at most: all that had not come to their last poll on it, and one that was in
 * it.
 */
export function setAsideOn(thread: number, { polledBy, ends }: LedgerMemory): number {
  let open = 0;
  let last = 0;
  for (let task = 0; task < polledBy.length; task++) {
    const by = Atomics.load(polledBy, task);
    if (by === thread) open++;
    else if (by === -thread && (ends[task] === PENDING || ends[task] === LOST)) last = 1;
  }
  return open + last;
}

/** How often a task has begun that ended so: at least, and at most. */
const TIMES: Readonly<Record<number, readonly [number, number]>> = {
  [UNUSED]: [0, 0],
  [PENDING]: [0, 1 + RETRIES],
  [FULFILLED]: [1, 1],
  [NEVER_BEGAN]: [0, 0],
  [THREW]: [1, 1],
  [LOST]: [0, 1],
  [FULFILLED_AT_LAST]: [1, 1 + RETRIES],
  [LOST_AT_LAST]: [0, 1 + RETRIES],
};

/** What is wrong with a task, or undefined. `mayBePending`: its client thread was terminated. */
export function complaintOf(
  task: number,
  { began, ends }: LedgerMemory,
  mayBePending: boolean,
): string | undefined {
  const times = Atomics.load(began, task);
  const end = ends[task];
  const [least, most] = TIMES[end as number] as readonly [number, number];
  if (times < least || times > most)
    return `task ${task} began ${times} times and ended as ${end}, expected ${least} to ${most}`;
  return end === PENDING && !mayBePending ? `task ${task} has not settled` : undefined;
}
