// Spins for as long as that has paid lately, then parks until somebody unparks.
//
// The budget is that of a 2-competitive spin (about the cost of parking and being woken), and it follows what happens: each spin
// that work ended makes it longer, each one in vain halves it. Where spinning never pays it is 0, but for a probe now and then.
import type { IdleStages } from './idle.ts';
import type { Spinner } from './spinner.ts';

/** A hit adds a quarter of the largest budget. */
const GROWTH = 0.25;
/** Below this part of the largest, the budget is 0. */
const NEGLIGIBLE = 0.05;
/** While it is 0, one idle phase in so many spins for an eighth of the largest. */
const PROBE_EVERY = 32;
const PROBE = 0.125;

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
    this.#budgetMs = this.#budgetMs < this.#maxSpinMs * NEGLIGIBLE * 2 ? 0 : this.#budgetMs / 2;
    this.#stage = 'parking';
  }

  #nextBudgetMs(): number {
    if (this.#budgetMs > 0) return this.#budgetMs;
    this.#unspun = (this.#unspun + 1) % PROBE_EVERY;
    return this.#unspun === 0 ? this.#maxSpinMs * PROBE : 0;
  }
}
