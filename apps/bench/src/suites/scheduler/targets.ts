// What the scheduler must reach: how many times as much its rivals must take.

/** Time of a tiny task, by how many are in flight. */
export const LEAST_RATIO: Readonly<Record<number, number>> = { 64: 25, 1024: 30 };

/** Median time of a task that is alone in flight. */
export const LEAST_RATIO_SINGLE = 20;

/** CPU time of a tiny task. */
export const LEAST_RATIO_CPU = 20;

/** Time of a tiny task by a message port that takes many at once, with 1024 in flight. */
export const LEAST_RATIO_BATCHED_PORT = 8;

/** Time of the digest of 4 KiB. */
export const LEAST_RATIO_4_KIB = 2;

/** Memory of a queued task. */
export const LEAST_RATIO_MEMORY = 3;

/** "No worse": what medians of equals differ by. */
export const PARITY = 0.95;

/** A library with other settings: it may be so much better before ours are the wrong ones. */
export const SETTINGS_MARGIN = 0.9;
