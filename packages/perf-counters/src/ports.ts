// What this package needs from outside, and what it offers to packages that must not import it, as interfaces of a few lines.

/** Milliseconds that never go back, with fractions: `performance` is one. */
export interface Clock {
  now(): number;
}

/** A clock that stands still: timers cost nothing but their record. */
export const noClock: Clock = { now: () => 0 };

/** Takes values: a histogram or a timer is one. */
export interface Recorder {
  record(value: number): void;
}

/** Takes increments: a counter is one. */
export interface Incrementer {
  inc(n?: number): void;
}

function nothing(): void {}

export const noRecorder: Recorder = { record: nothing };
export const noIncrementer: Incrementer = { inc: nothing };
