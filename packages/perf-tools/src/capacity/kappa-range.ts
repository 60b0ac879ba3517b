// All values that κ may have, on a scale from 0 to 1 that is finest near 0. Pure.

/** More than this, and two workers do less than a tenth of what one does. */
const MOST_KAPPA = 10;

export class KappaRange {
  /** Less of it is not seen with so many workers. */
  readonly #finest: number;
  readonly #spread: number;

  constructor(mostWorkers: number) {
    this.#finest = 1e-3 / mostWorkers ** 2;
    this.#spread = Math.log1p(MOST_KAPPA / this.#finest);
  }

  kappaAt(position: number): number {
    return this.#finest * Math.expm1(position * this.#spread);
  }

  positionOf(kappa: number): number {
    return Math.log1p(kappa / this.#finest) / this.#spread;
  }
}
