// When a client looks for finished tasks. In stages, each for as long as it brings something: in a microtask, without a turn of the event
// loop (profile lowLatency); at every turn of the event loop; asleep until the list's word changes. Parking costs 20 µs and more, a turn
// some 1 µs; looking without end would cost a core. How long a stage lasts follows what it brings: up where results come, down to nothing
// where they do not.

import { availableParallelism } from 'node:os';

/** Longest time without a result, in milliseconds, for which it polls. Measured: bench `scheduler`. */
const POLL_MS = 0.05;
/** The same where there are more threads than cores: then it polls on a core that a worker could have. Measured: bench `scheduler`, digests of 64 KiB by two workers on two cores. */
const CROWDED_POLL_MS = 0.01;
/** What a result adds to that, and polling in vain takes, as parts of the longest; while it is 0, one time in so many polls all
 * the same. As in the adaptive idle strategy of shared-memory, whose header says why. */
const GROWTH = 0.5;
const SHRINKAGE = 0.125;
const PROBE_EVERY = 16;
/** A turn of the event loop that took so long was interrupted, or busy with other things: no polling. Guessed. */
const LONG_TURN_MS = 0.2;
/** Looks of one spin in the microtask queue at most, some 10 µs, and how long spins may follow each other before timers and I/O get a turn. */
const SPINS = 300;
const STREAK_MS = 0.2;
const SPIN_PROBE_EVERY = 32;
/** Two spins that begin further apart are of two streaks. */
const STREAK_GAP_MS = 0.06;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** `efficient` sleeps at once; `balanced` polls at turns of the event loop first; `lowLatency` also in the microtask queue, which holds it up for some 10 µs at a time. */
export const PROFILES = ['efficient', 'balanced', 'lowLatency'] as const;

export type Profile = (typeof PROFILES)[number];

export interface Watched {
  /** Tasks that something is to come of. */
  readonly inFlight: number;
  /** Whether something has finished: a load of one shared word. */
  hasFinished(): boolean;
  /** Takes what is there. @returns how many */
  collect(): number;
  /** Says in the list's word that this thread sleeps. @returns false where there is something to collect */
  fallAsleep(): boolean;
  /** Settles when the word is not that any more. */
  wait(): Promise<unknown> | undefined;
}

const AWAKE = 0;
const SPINS_SOON = 1;
const POLLS = 2;
const SLEEPS = 3;

const pause: () => void = (Atomics as { pause?: () => void }).pause ?? ((): void => {});

export class CompletionWatch {
  readonly #watched: Watched;
  readonly #longestPollMs: number;
  readonly #mostSpins: number;
  /** The event loop knows nothing of `Atomics.waitAsync`: this keeps it alive while tasks are in flight, asleep or not. */
  readonly #keepAlive: NodeJS.Timeout;
  #isKept = false;
  #stage: typeof AWAKE | typeof SPINS_SOON | typeof POLLS | typeof SLEEPS = AWAKE;
  #pollMs: number;
  #sleeps = 0;
  /** Polls one time after it had given that up. */
  #isProbe = false;
  #spins: number;
  #spinMisses = 0;
  #spunMs = 0;
  #streakMs = 0;
  #lastCameMs = 0;
  #lastTurnMs = 0;
  readonly #spin: () => void;
  readonly #poll: () => void;
  readonly #wake: () => void;

  /** @param threads that want to run while tasks are under way, this one included */
  constructor(watched: Watched, profile: Profile, threads: number) {
    this.#watched = watched;
    const pollMs = threads > availableParallelism() ? CROWDED_POLL_MS : POLL_MS;
    this.#longestPollMs = this.#pollMs = profile === 'efficient' ? 0 : pollMs;
    this.#mostSpins = this.#spins = profile === 'lowLatency' ? SPINS : 0;
    this.#keepAlive = setInterval(() => {}, LONGEST_TIMER_MS).unref();
    this.#spin = (): void => this.#spinOnce();
    this.#poll = (): void => this.#pollOnce();
    this.#wake = (): void => {
      this.#stage = AWAKE;
      this.#watched.collect();
      this.settle();
    };
  }

  /** A task was submitted: sees to it that its end is noticed. */
  expect(): void {
    if (!this.#isKept || this.#stage === AWAKE) this.settle();
  }

  /** Something is in flight, or was. */
  settle(): void {
    const isNeeded = this.#watched.inFlight > 0;
    if (isNeeded !== this.#isKept) {
      this.#isKept = isNeeded;
      if (isNeeded) this.#keepAlive.ref();
      else this.#keepAlive.unref();
    }
    if (!isNeeded || this.#stage !== AWAKE) return;
    if (this.#mostSpins > 0) this.#spinSoon();
    else this.#pollOrSleep();
  }

  stop(): void {
    clearInterval(this.#keepAlive);
  }

  #spinSoon(): void {
    this.#stage = SPINS_SOON;
    queueMicrotask(this.#spin);
  }

  #spinOnce(): void {
    this.#stage = AWAKE;
    let spins = this.#spins;
    if (spins === 0 && ++this.#spinMisses % SPIN_PROBE_EVERY === 0) spins = this.#mostSpins >> 3;
    const nowMs = performance.now();
    if (nowMs - this.#spunMs > STREAK_GAP_MS) this.#streakMs = nowMs;
    if (nowMs - this.#streakMs >= STREAK_MS) {
      this.#spunMs = 0;
      this.#startPolling(nowMs); // timers and I/O have their turn
      return;
    }
    const watched = this.#watched;
    for (let i = 0; i < spins; i++) {
      if (!watched.hasFinished()) {
        pause();
        continue;
      }
      this.#spins = Math.min(this.#mostSpins, this.#spins + (this.#mostSpins >> 2));
      this.#spunMs = nowMs;
      watched.collect();
      this.settle();
      return;
    }
    this.#spins >>= 1;
    this.#pollOrSleep();
  }

  #pollOrSleep(): void {
    if (this.#pollMs > 0) this.#startPolling(performance.now());
    else if (this.#longestPollMs > 0 && ++this.#sleeps % PROBE_EVERY === 0) {
      this.#pollMs = this.#longestPollMs;
      this.#isProbe = true;
      this.#startPolling(performance.now());
    } else this.#sleep();
  }

  #startPolling(nowMs: number): void {
    this.#stage = POLLS;
    this.#lastTurnMs = this.#lastCameMs = nowMs;
    setImmediate(this.#poll);
  }

  #pollOnce(): void {
    this.#stage = AWAKE;
    const came = this.#watched.collect();
    if (this.#watched.inFlight === 0) {
      this.settle();
      return;
    }
    const nowMs = performance.now();
    const turnMs = nowMs - this.#lastTurnMs;
    this.#lastTurnMs = nowMs;
    if (came > 0) {
      this.#lastCameMs = nowMs;
      this.#isProbe = false;
      this.#pollMs = Math.min(this.#longestPollMs, this.#pollMs + this.#longestPollMs * GROWTH);
      if (this.#spins > 0) {
        this.#spinSoon();
        return;
      }
    }
    if (nowMs - this.#lastCameMs < this.#pollMs && turnMs < LONG_TURN_MS) {
      this.#stage = POLLS;
      setImmediate(this.#poll);
      return;
    }
    // A probe in vain says what the polls before it said: another eight of them would cost more than they could find.
    this.#pollMs = this.#isProbe ? 0 : Math.max(0, this.#pollMs - this.#longestPollMs * SHRINKAGE);
    this.#isProbe = false;
    this.#sleep();
  }

  #sleep(): void {
    if (!this.#watched.fallAsleep()) {
      this.#startPolling(performance.now());
      return;
    }
    const woken = this.#watched.wait();
    if (woken === undefined) {
      this.#startPolling(performance.now()); // it came in between
      return;
    }
    this.#stage = SLEEPS;
    woken.then(this.#wake, this.#wake);
  }
}
