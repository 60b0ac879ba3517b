// What a thread does in a round of its loop in which there was nothing to do. The shape is agrona's IdleStrategy:
// `while (running) idle.idle(poll())`.
//
// That shape is enough to park without losing a wake-up: `idle(0)` ends by preparing the parker, the caller's next poll is the
// second look, and only the `idle(0)` after it parks, on the sequence from before that poll. See kernel/PROTOCOL.md.
//
// Node has no sched_yield, and a wait of no time returns at once. Yielding here is the shortest timed wait: it gives the core away for
// the 50 µs by which Linux rounds timers up, and an unpark ends it.
import { AdaptiveIdle } from './adaptive-idle.ts';
import { BackoffIdle, YIELD_MS } from './backoff-idle.ts';
import { ArgumentRangeError } from './errors.ts';
import type { ParkingSpot } from './parking-spot.ts';
import { type IdleHost, nodeHost, Spinner } from './spinner.ts';

/**
 * - `spinning`: lowest latency; a core for itself
 * - `yielding`: spins a little, then gives the core away again and again; needs no unpark
 * - `backoff`: spins, yields, then parks for longer and longer; needs no unpark to find work within `maxParkMs`
 * - `adaptive`: spins as long as that has paid lately, then parks until it is unparked; whoever makes work must unpark
 *
 * None of them spins while there are more threads than cores, or for a while after it was descheduled.
 */
export type IdleKind = 'spinning' | 'yielding' | 'backoff' | 'adaptive';

export interface IdleOptions {
  /** Where the thread parks, and where whoever makes work unparks it. */
  readonly parker: Pick<ParkingSpot, 'prepare' | 'park'>;
  /** Threads of this process that want to run, this one included; 2 by default: this one and whoever makes work for it. */
  readonly threads?: number | (() => number);
  /** Microseconds of spinning, at most, before the next stage; 10 by default (about half of a park and unpark). */
  readonly maxSpinUs?: number;
  /** `backoff`: yields before it parks; 5 by default. */
  readonly maxYields?: number;
  /** `backoff`: the first park in milliseconds, doubled from park to park; 0.1 by default. */
  readonly minParkMs?: number;
  /** The longest park in milliseconds: 1 by default for `backoff`, Infinity for `adaptive`. */
  readonly maxParkMs?: number;
  /** Clock, spin and cores; the machine's by default. */
  readonly host?: IdleHost;
}

export interface IdleStatistics {
  /** Times that it went idle and spun, and work came meanwhile. */
  readonly hits: number;
  /** Times that it spun in vain. */
  readonly misses: number;
  readonly yields: number;
  readonly parks: number;
  /** Times that it was descheduled while spinning. */
  readonly preemptions: number;
}

export interface IdleStrategy {
  readonly kind: IdleKind;
  readonly statistics: IdleStatistics;
  /** Once a round: with 0 it may spin, yield or park for a step; with more it gets ready for the next time. */
  idle(workCount: number): void;
  /** Forgets how long it has been idle. */
  reset(): void;
}

/** What a strategy decides, in a round without work. */
export interface IdleStages {
  /** There was work after an idle round. */
  worked(): void;
  reset(): void;
  /** One round. May park once, by `park`. */
  step(park: (timeoutMs: number) => void): void;
  readonly hits: number;
  readonly misses: number;
}

class StagedIdle implements IdleStrategy {
  readonly kind: IdleKind;
  readonly #stages: IdleStages;
  readonly #spinner: Spinner;
  readonly #parker: IdleOptions['parker'];
  #sequence = 0;
  #isPrepared = false;
  #yields = 0;
  #parks = 0;
  readonly #park = (timeoutMs: number): void => {
    if (!this.#isPrepared) return; // the first idle round: the caller has not looked since
    if (timeoutMs === YIELD_MS) this.#yields++;
    else this.#parks++;
    this.#parker.park(this.#sequence, timeoutMs);
  };

  constructor(kind: IdleKind, stages: IdleStages, spinner: Spinner, parker: IdleOptions['parker']) {
    this.kind = kind;
    this.#stages = stages;
    this.#spinner = spinner;
    this.#parker = parker;
  }

  get statistics(): IdleStatistics {
    const { hits, misses } = this.#stages;
    return { hits, misses, yields: this.#yields, parks: this.#parks, preemptions: this.#spinner.preemptions };
  }

  idle(workCount: number): void {
    if (workCount > 0) {
      if (!this.#isPrepared) return;
      this.#isPrepared = false;
      this.#stages.worked();
      return;
    }
    this.#stages.step(this.#park);
    this.#sequence = this.#parker.prepare();
    this.#isPrepared = true;
  }

  reset(): void {
    this.#isPrepared = false;
    this.#stages.reset();
  }
}

/** @throws ArgumentRangeError */
export function idleStrategy(kind: IdleKind, options: IdleOptions): IdleStrategy {
  const { parker, threads = 2, maxSpinUs = 10, maxYields = 5, minParkMs = 0.1, host = nodeHost } = options;
  const { maxParkMs = kind === 'adaptive' ? Infinity : 1 } = options;
  if (typeof threads === 'number') check('threads', threads, 1);
  check('maxSpinUs', maxSpinUs, 0);
  check('maxYields', maxYields, 0);
  check('minParkMs', minParkMs, 0.01);
  check('maxParkMs', maxParkMs, minParkMs);
  const spinner = new Spinner(host, threads);
  const stages = ((): IdleStages => {
    switch (kind) {
      case 'spinning':
        return new BackoffIdle(spinner, Infinity, Infinity, minParkMs, maxParkMs);
      case 'yielding':
        return new BackoffIdle(spinner, maxSpinUs / 1000, Infinity, minParkMs, maxParkMs);
      case 'backoff':
        return new BackoffIdle(spinner, maxSpinUs / 1000, maxYields, minParkMs, maxParkMs);
      case 'adaptive':
        return new AdaptiveIdle(spinner, maxSpinUs / 1000, maxParkMs);
      default:
        throw new ArgumentRangeError(
          'kind',
          kind satisfies never,
          "'spinning', 'yielding', 'backoff' or 'adaptive'",
        );
    }
  })();
  return new StagedIdle(kind, stages, spinner, parker);
}

function check(option: string, found: number, least: number): void {
  if (!(found >= least)) throw new ArgumentRangeError(option, found, `at least ${least}`);
}
