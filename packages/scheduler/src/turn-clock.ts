// When a worker that always has something to do lets its event loop have a turn, and when a task's slice of time is over. Reading the clock costs a quarter of what
// running a small task does, so it is read as seldom as tasks are short.

/** Longest time between two turns, in milliseconds. Guessed: timers and messages wait that long. */
const TURN_EVERY_MS = 10;
/** Time between two looks at the clock that it aims at, and steps from one to the next at most: if they get a thousand times as long all at once, one turn is late. Guessed. */
const LOOK_EVERY_MS = 0.5;
const MOST_STEPS = 32;
/** `performance.now()`. The global is a getter: the optimising compiler does not know what `performance.now()` calls, and has 16 bytes allocated for each reading. It knows what this is. */
export const now: () => number = performance.now.bind(performance);

export class TurnClock {
  /** When it last looked. */
  nowMs = 0;
  /** Whether no turn can be had, because a task waits for what runs in its middle. */
  isHeld = false;
  #turnMs = 0;
  #every = 1;
  #left = 1;

  /** The event loop has had a turn. */
  begin(): void {
    this.nowMs = this.#turnMs = now();
    this.#left = this.#every;
  }

  /** After each task, and at each `yield` of one. @returns whether it looked at the clock */
  step(): boolean {
    if (--this.#left > 0) return false;
    this.look();
    return true;
  }

  look(): void {
    const nowMs = now();
    const tookMs = nowMs - this.nowMs;
    this.nowMs = nowMs;
    if (tookMs < LOOK_EVERY_MS) this.#every = Math.min(2 * this.#every, MOST_STEPS);
    else this.#every = Math.max(1, Math.floor((this.#every * LOOK_EVERY_MS) / tookMs));
    this.#left = this.#every;
  }

  /** As of the last look. */
  get isTurnDue(): boolean {
    return !this.isHeld && this.nowMs - this.#turnMs >= TURN_EVERY_MS;
  }
}
