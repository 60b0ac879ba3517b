// Spinning, in timed batches, and the two reasons not to: more runnable threads than cores, and having been descheduled.
//
// A spin is worth its energy only while the thread that would answer it runs on another core. There is no call that says so, but
// a batch that took far longer than its pauses means that the system gave this core to somebody else meanwhile: then the
// cores are oversubscribed, whatever the counts say (other processes, a cgroup quota, a busy host).
//
// Tried and rejected: counting involuntary context switches. A woken thread that preempts its waker is one: two threads that
// only park and unpark have 150,000 a second. The load average: in a container it is that of the host.
import { availableParallelism } from 'node:os';

/** What the idle strategies take from the machine. Tests give their own. */
export interface IdleHost {
  /** Milliseconds, monotonic. */
  now(): number;
  /** Keeps the core busy for `pauses` pause instructions (some 35 ns each). */
  spin(pauses: number): void;
  /** Cores that this process may use. */
  availableParallelism(): number;
}

/** About 0.5 µs, so that work is noticed soon and the clock's cost stays below a fifth. Guessed. */
const BATCH_PAUSES = 16;
/** A batch this many times slower than the fastest, and by SLACK_MS besides, was interrupted by more than a tick. Guessed. */
const SLOW_FACTOR = 3;
const SLACK_MS = 0.1;
/** How long not to spin after that: doubles while it goes on. Measured with un-adaptive spinning under load. */
const MIN_COOL_MS = 3;
const MAX_COOL_MS = 100;
/** How long a number of cores is believed. */
const CORES_AGE_MS = 1000;

// Node 22 has no Atomics.pause.
const { pause } = Atomics as { readonly pause?: () => void };
const nothing = new Int32Array(1);

export const nodeHost: IdleHost = {
  now: () => performance.now(),
  spin(pauses) {
    if (pause === undefined) for (let i = 0; i < pauses << 2; i++) Atomics.load(nothing, 0);
    else for (let i = 0; i < pauses; i++) pause();
  },
  availableParallelism,
};

export class Spinner {
  /** Batches that took so long that the thread must have been descheduled. */
  preemptions = 0;
  readonly #host: IdleHost;
  readonly #threads: number | (() => number);
  #cores = 0;
  #coresReadMs = -Infinity;
  #coolUntilMs = -Infinity;
  #coolMs = MIN_COOL_MS;
  #fastestMs = Infinity;

  constructor(host: IdleHost, threads: number | (() => number)) {
    this.#host = host;
    this.#threads = threads;
  }

  maySpin(): boolean {
    const nowMs = this.#host.now();
    return nowMs >= this.#coolUntilMs && !this.#isOversubscribed(nowMs);
  }

  /** One batch. Returns the milliseconds it took; negative where the thread was descheduled: don't go on. */
  spin(): number {
    const startMs = this.#host.now();
    this.#host.spin(BATCH_PAUSES);
    const endMs = this.#host.now();
    const tookMs = endMs - startMs;
    if (tookMs > this.#fastestMs * SLOW_FACTOR + SLACK_MS) {
      this.preemptions++;
      this.#coolUntilMs = endMs + this.#coolMs;
      this.#coolMs = Math.min(this.#coolMs * 2, MAX_COOL_MS);
      return -tookMs;
    }
    if (tookMs > 0 && tookMs < this.#fastestMs) this.#fastestMs = tookMs;
    return tookMs;
  }

  /** A spin was answered: the cores are there. */
  answered(): void {
    this.#coolMs = Math.max(this.#coolMs / 2, MIN_COOL_MS);
  }

  /** More threads that want to run than cores to run them? */
  #isOversubscribed(nowMs: number): boolean {
    if (nowMs - this.#coresReadMs >= CORES_AGE_MS) {
      this.#cores = this.#host.availableParallelism();
      this.#coresReadMs = nowMs;
    }
    const threads = typeof this.#threads === 'number' ? this.#threads : this.#threads();
    return threads > this.#cores;
  }
}
