/** A value that says where it came from. */
export interface Reading<T> {
  /** `null`: not to be had; `reason` says what was looked for. */
  readonly value: T | null;
  /** The file (or the call) that it was read from. */
  readonly source: string | null;
  /** Why there is no value, or how it came about where one file is not the whole story. */
  readonly reason: string | null;
}

/** An amount, or no limit at all. */
export type Bound = number | 'unlimited';

export function known<T>(value: T, source: string, reason: string | null = null): Reading<T> {
  return { value, source, reason };
}

export function unknown<T>(reason: string): Reading<T> {
  return { value: null, source: null, reason };
}
