// How far each figure may be from its estimate: profile likelihood. Pure.
//
// A value of a figure is within the interval where the law that has this value, and is else as near to the samples as it can be, misses
// them by no more than S (1 + t²/ν): S is the least sum of squares, ν the samples above the three parameters, t Student's. Unlike
// intervals from the covariance it needs no straight lines, keeps to σ, κ ≥ 0, and says where there is no upper end.
// (Bates & Watts, Nonlinear Regression Analysis, 1988, 6.1.)
import { KappaRange } from './kappa-range.ts';
import type { Misfit } from './misfit.ts';
import { crossing, minimize } from './one-minimum.ts';
import { greatestCapacity, peakWorkers, relativeCapacity, type Law } from './scalability-law.ts';

/** With the level of confidence of the fit, the truth lies from `low` to `high`; `high` may be Infinity. */
export interface Estimate {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** How far from the estimate an end is looked for, as a factor. */
const FARTHEST = 1e6;

export class Intervals {
  readonly #misfit: Misfit;
  readonly #law: Law;
  readonly #level: number;
  readonly #range: KappaRange;

  /** @param t Student's, two-sided @param freedom samples above the parameters */
  constructor(misfit: Misfit, law: Law, t: number, freedom: number) {
    this.#misfit = misfit;
    this.#law = law;
    const least = misfit.at(law.sigma, law.kappa, law.lambda);
    // Where nothing is left to explain, digits that numbers do not have are no evidence.
    this.#level = Math.max(least * (1 + t ** 2 / freedom), least + misfit.total * 1e-12);
    this.#range = new KappaRange(misfit.mostWorkers);
  }

  sigma(): Estimate {
    const { sigma } = this.#law;
    const [low, high] = this.#ends(sigma, 0, 1, (at) =>
      this.#overKappa((kappa) => this.#misfit.at(at, kappa)),
    );
    return { value: sigma, low, high };
  }

  kappa(): Estimate {
    const { kappa } = this.#law;
    const misses = (v: number): number => this.#withKappa(this.#range.kappaAt(v));
    const [low, high] = this.#ends(this.#range.positionOf(kappa), 0, 1, misses);
    return { value: kappa, low: this.#range.kappaAt(low), high: this.#range.kappaAt(high) };
  }

  /** Workers at the peak. */
  peakWorkers(): Estimate {
    const value = peakWorkers(this.#law.sigma, this.#law.kappa);
    const farthest = Math.log(this.#misfit.mostWorkers * FARTHEST);
    const misses = (logPeak: number): number =>
      minimize(0, 1, (sigma) => this.#misfit.at(sigma, (1 - sigma) / Math.exp(2 * logPeak))).value;
    const [low, high] = this.#ends(Math.min(Math.log(value), farthest), 0, farthest, misses);
    return {
      value,
      low: Math.min(value, Math.exp(low)),
      high: this.#withKappa(0) <= this.#level ? Infinity : Math.max(value, Math.exp(high)),
    };
  }

  /** The most that there can be: at the peak, or the ceiling. */
  greatestThroughput(): Estimate {
    const found = this.#ofThroughput(greatestCapacity);
    // It grows for ever.
    return this.#misfit.at(0, 0) <= this.#level ? { ...found, high: Infinity } : found;
  }

  /** With so many workers. */
  throughput(workers: number): Estimate {
    return this.#ofThroughput((sigma, kappa) => relativeCapacity(workers, sigma, kappa));
  }

  #ofThroughput(relative: (sigma: number, kappa: number) => number): Estimate {
    const { lambda, sigma, kappa } = this.#law;
    const value = lambda * relative(sigma, kappa);
    if (value === Infinity) return { value, low: this.#fromAbove(relative), high: Infinity };
    const misses = this.#missesOf(relative);
    const at = Math.log(value);
    const far = Math.log(FARTHEST);
    const [low, high] = this.#ends(at, at - far, at + far, misses);
    return { value, low: Math.min(value, Math.exp(low)), high: Math.max(value, Math.exp(high)) };
  }

  /** Of the logarithm of the figure. */
  #missesOf(relative: (sigma: number, kappa: number) => number): (logFigure: number) => number {
    return (logFigure) =>
      minimize(
        0,
        1,
        (sigma) =>
          this.#overKappa((kappa) =>
            this.#misfit.at(sigma, kappa, Math.exp(logFigure) / relative(sigma, kappa)),
          ),
        10,
        18,
      ).value;
  }

  /** The lower end of what is estimated to be infinite. */
  #fromAbove(relative: (sigma: number, kappa: number) => number): number {
    const measured = Math.log(this.#law.lambda * this.#misfit.mostWorkers);
    const misses = this.#missesOf(relative);
    const far = measured + Math.log(FARTHEST);
    return misses(far) > this.#level
      ? Math.exp(measured)
      : Math.exp(crossing(far, measured - Math.log(FARTHEST), misses, this.#level));
  }

  #withKappa(kappa: number): number {
    return minimize(0, 1, (sigma) => this.#misfit.at(sigma, kappa)).value;
  }

  #overKappa(misses: (kappa: number) => number): number {
    return minimize(0, 1, (v) => misses(this.#range.kappaAt(v)), 10, 20).value;
  }

  #ends(at: number, least: number, most: number, misses: (x: number) => number): [number, number] {
    const end = (bound: number): number =>
      misses(bound) <= this.#level ? bound : crossing(at, bound, misses, this.#level);
    return [end(least), end(most)];
  }
}
