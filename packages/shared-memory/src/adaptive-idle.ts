// Spins for as long as that has paid lately, then parks until somebody unparks.
//
// The budget is that of a 2-competitive spin (about the cost of parking and being woken), and it follows what happens: each spin
// that work ended makes it longer, each one in vain shorter. Where spinning never pays it is 0, but for a probe now and then.
//
// Tried and rejected: halving on a miss and probing with a fraction. Two threads that wait for each other then never leave the state
// in which both park: neither spins for as long as the other takes to wake.
import type { IdleStages } from './idle.ts';
import type { Spinner } from './spinner.ts';

/** What a hit adds and a miss takes, as parts of the largest budget. */
const GROWTH = 0.5;
const SHRINKAGE = 0.125;
/** While it is 0, one idle phase in so many spins for the largest. */
const PROBE_EVERY = 16;

export class AdaptiveIdle implements IdleStages {
  hits = 0;
  misses = 0;
  readonly #spinner: Spinner;
  readonly #maxSpinMs: number;
  readonly #maxParkMs: number;
  #stage: 'working' | 'spinning' | 'parking' = 'working';
  /** What the last spins have earned, and what is left of it in this phase. */
  #budgetMs: number;
  #leftMs = 0;
  #unspun = 0;

  constructor(spinner: Spinner, maxSpinMs: number, maxParkMs: number) {
    this.#spinner = spinner;
    this.#maxSpinMs = maxSpinMs;
    this.#maxParkMs = maxParkMs;
    this.#budgetMs = maxSpinMs;
  }

  worked(): void {
    if (this.#stage === 'spinning') {
      this.hits++;
      this.#budgetMs = Math.min(this.#budgetMs + this.#maxSpinMs * GROWTH, this.#maxSpinMs);
      this.#spinner.answered();
    }
    this.#stage = 'working';
  }

  reset(): void {
    this.#stage = 'working';
  }

  step(park: (timeoutMs: number) => void): void {
    if (this.#stage === 'working') {
      this.#leftMs = this.#spinner.maySpin() ? this.#nextBudgetMs() : 0;
      this.#stage = this.#leftMs > 0 ? 'spinning' : 'parking';
    }
    if (this.#stage === 'parking') {
      park(this.#maxParkMs);
      return;
    }
    const tookMs = this.#spinner.spin();
    if (tookMs < 0) {
      this.#stage = 'parking'; // descheduled: says nothing about whether spinning pays
      return;
    }
    this.#leftMs -= tookMs;
    if (this.#leftMs > 0) return;
    this.misses++;
    this.#budgetMs = Math.max(this.#budgetMs - this.#maxSpinMs * SHRINKAGE, 0);
    this.#stage = 'parking';
  }

  #nextBudgetMs(): number {
    if (this.#budgetMs > 0) return this.#budgetMs;
    this.#unspun = (this.#unspun + 1) % PROBE_EVERY;
    return this.#unspun === 0 ? this.#maxSpinMs : 0;
  }
}
