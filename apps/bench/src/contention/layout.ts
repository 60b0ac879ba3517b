// The control block that the bench shares with its contenders: words for the protocol, then doubles for the figures.
// A batch: the bench writes OPERATIONS and bumps SEQUENCE; contenders meet at ARRIVED/GO, run, write their slots and bump DONE.

/** i32 words. Bench writes SEQUENCE and STOP, resets ARRIVED and DONE; contenders write ARRIVED, GO and DONE. All by Atomics. */
export const SEQUENCE = 0;
export const ARRIVED = 1;
export const GO = 2;
export const DONE = 3;
export const STOP = 4;
const WORDS = 8;

/** f64 slots, plain: handed over by SEQUENCE (bench → contenders) and DONE (contenders → bench). */
export const OPERATIONS = 0;
const SLOTS = 4;
const START_NS = 0;
const END_NS = 1;
const SUCCESSFUL = 2;

export interface ControlBlock {
  readonly words: Int32Array<SharedArrayBuffer>;
  readonly slots: Float64Array<SharedArrayBuffer>;
}

export function controlBytes(contenders: number): number {
  return WORDS * 4 + (1 + contenders) * SLOTS * 8;
}

export function openControl(buffer: SharedArrayBuffer): ControlBlock {
  return { words: new Int32Array(buffer, 0, WORDS), slots: new Float64Array(buffer, WORDS * 4) };
}

/** Slots of the contender `index`: when it started and ended (hrtime, nanoseconds) and how many operations succeeded. */
export function slotsOf(index: number): { startNs: number; endNs: number; successful: number } {
  const base = (1 + index) * SLOTS;
  return { startNs: base + START_NS, endNs: base + END_NS, successful: base + SUCCESSFUL };
}
