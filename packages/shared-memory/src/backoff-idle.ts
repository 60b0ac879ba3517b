// Spins, yields and parks for longer and longer: needs nobody to unpark it.
import type { IdleStages } from './idle.ts';
import type { Spinner } from './spinner.ts';

/** The shortest wait that the system takes for one. */
export const YIELD_MS = 0.001;

/** Spins for so long, then yields so often, then parks, from `minParkMs` doubling to `maxParkMs`. */
export class BackoffIdle implements IdleStages {
  hits = 0;
  misses = 0;
  readonly #spinner: Spinner;
  readonly #maxSpinMs: number;
  readonly #maxYields: number;
  readonly #minParkMs: number;
  readonly #maxParkMs: number;
  #spunMs = 0;
  #yields = 0;
  #parkMs: number;

  constructor(spinner: Spinner, maxSpinMs: number, maxYields: number, minParkMs: number, maxParkMs: number) {
    this.#spinner = spinner;
    this.#maxSpinMs = maxSpinMs;
    this.#maxYields = maxYields;
    this.#minParkMs = minParkMs;
    this.#maxParkMs = maxParkMs;
    this.#parkMs = minParkMs;
  }

  worked(): void {
    if (this.#spunMs > 0 && this.#spunMs < this.#maxSpinMs) {
      this.hits++;
      this.#spinner.answered();
    }
    this.reset();
  }

  reset(): void {
    this.#spunMs = 0;
    this.#yields = 0;
    this.#parkMs = this.#minParkMs;
  }

  step(park: (timeoutMs: number) => void): void {
    if (this.#spunMs < this.#maxSpinMs && this.#spinner.maySpin()) {
      this.#spunMs += Math.abs(this.#spinner.spin()); // having been descheduled for longer than the limit uses it up
      if (this.#spunMs >= this.#maxSpinMs) this.misses++;
    } else if (this.#yields < this.#maxYields) {
      this.#yields++;
      park(YIELD_MS);
    } else {
      park(this.#parkMs);
      this.#parkMs = Math.min(this.#parkMs * 2, this.#maxParkMs);
    }
  }
}
