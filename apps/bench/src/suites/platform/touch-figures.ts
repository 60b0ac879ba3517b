// What a process that touches memory for the first time prints; native/touch.c prints the first part of it.

export type TouchMode = 'plain' | 'huge' | 'prefault' | 'prefault-huge' | 'fill';

/** A byte of each of these is written, whatever the size of a page. */
export const STEP_BYTES = 4096;

export interface TouchFigures {
  /** The calls before the first touch. */
  readonly prepareNs: number;
  readonly touchNs: number;
  /** Giving all of it back. */
  readonly releaseNs: number;
  /** Minor page faults of the process, from before the calls until after the touch. */
  readonly faults: number;
  /** Steps that hold what was written. */
  readonly written: number;
  /** The kernel took the pages back. */
  readonly released: boolean;
}

export interface TouchState {
  /** Share of the pages that were there after the touch, 0 to 1; null where it is not known. */
  readonly resident: number | null;
  readonly hugeBytes: number | null;
  /** The same share after the release, and whether the memory reads as zeros. */
  readonly residentAfter: number | null;
  readonly isZeroAfter: boolean;
  /** One read at a random place. */
  readonly randomReadNs: number;
}
