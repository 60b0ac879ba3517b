// When a client looks for finished tasks: while some are in flight, at every turn of the event loop for a bounded time after the
// last one came, then asleep until the list's word changes. Parking costs 20 µs and more, a turn some 1 µs; polling without
// end would cost a core. How long it polls follows what polling brings: up where results come, down to nothing where they do not.

/** Longest time without a result, in milliseconds, for which it polls. Measured: bench `scheduler`. */
const POLL_MS = 0.05;
/** What a result adds to that, and polling in vain takes, as parts of the longest; while it is 0, one time in so many polls all
 * the same. As in the adaptive idle strategy of shared-memory, whose header says why. */
const GROWTH = 0.5;
const SHRINKAGE = 0.125;
const PROBE_EVERY = 16;
/** A turn of the event loop that took so long was interrupted, or busy with other things: no polling. Guessed. */
const LONG_TURN_MS = 0.2;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export interface Watched {
  /** Tasks that something is to come of. */
  readonly inFlight: number;
  /** Takes what is there. @returns how many */
  collect(): number;
  /** Says in the list's word that this thread sleeps. @returns false where there is something to collect */
  fallAsleep(): boolean;
  /** Settles when the word is not that any more. */
  wait(): Promise<unknown> | undefined;
}

export class CompletionWatch {
  readonly #watched: Watched;
  /** The event loop knows nothing of `Atomics.waitAsync`: this keeps it alive while tasks are in flight, asleep or not. */
  readonly #keepAlive: NodeJS.Timeout;
  #isKept = false;
  #isPolling = false;
  #isAsleep = false;
  #pollMs = POLL_MS;
  #sleeps = 0;
  #lastCameMs = 0;
  #lastTurnMs = 0;
  readonly #poll: () => void;
  readonly #wake: () => void;

  constructor(watched: Watched) {
    this.#watched = watched;
    this.#keepAlive = setInterval(() => {}, LONGEST_TIMER_MS).unref();
    this.#poll = (): void => this.#pollOnce();
    this.#wake = (): void => {
      this.#isAsleep = false;
      this.#watched.collect();
      this.expect();
    };
  }

  /** Something is in flight, or was: sees to it that it is noticed. */
  expect(): void {
    const isNeeded = this.#watched.inFlight > 0;
    if (isNeeded !== this.#isKept) {
      this.#isKept = isNeeded;
      if (isNeeded) this.#keepAlive.ref();
      else this.#keepAlive.unref();
    }
    if (!isNeeded || this.#isPolling || this.#isAsleep) return;
    if (this.#pollMs > 0 || ++this.#sleeps % PROBE_EVERY === 0) this.#startPolling();
    else this.#sleep();
  }

  stop(): void {
    clearInterval(this.#keepAlive);
  }

  #startPolling(): void {
    if (this.#pollMs === 0) this.#pollMs = POLL_MS;
    this.#isPolling = true;
    this.#lastTurnMs = this.#lastCameMs = performance.now();
    setImmediate(this.#poll);
  }

  #pollOnce(): void {
    this.#isPolling = false;
    const came = this.#watched.collect();
    if (this.#watched.inFlight === 0) {
      this.expect();
      return;
    }
    const nowMs = performance.now();
    const turnMs = nowMs - this.#lastTurnMs;
    this.#lastTurnMs = nowMs;
    if (came > 0) {
      this.#lastCameMs = nowMs;
      this.#pollMs = Math.min(POLL_MS, this.#pollMs + POLL_MS * GROWTH);
    }
    if (nowMs - this.#lastCameMs < this.#pollMs && turnMs < LONG_TURN_MS) {
      this.#isPolling = true;
      setImmediate(this.#poll);
      return;
    }
    this.#pollMs = Math.max(0, this.#pollMs - POLL_MS * SHRINKAGE);
    if (!this.#isAsleep) this.#sleep();
  }

  #sleep(): void {
    if (!this.#watched.fallAsleep()) {
      this.#startPolling();
      return;
    }
    const woken = this.#watched.wait();
    if (woken === undefined) {
      this.#startPolling(); // it came in between
      return;
    }
    this.#isAsleep = true;
    woken.then(this.#wake, this.#wake);
  }
}
