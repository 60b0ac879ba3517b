// How far the law is from the samples: the weighted sum of squares, as a function of σ and κ. Pure.
//
// For given σ and κ the best λ is known (the law is linear in it), so that only two parameters are left to search (variable projection).
import type { CapacitySample } from './samples.ts';
import { relativeCapacity } from './scalability-law.ts';

/** Whose size is the same for all samples: that of the errors, or of the errors in relation to the throughput. */
export type ErrorModel = 'absolute' | 'relative';

export class Misfit {
  readonly samples: readonly CapacitySample[];
  readonly mostWorkers: number;
  /** Of the throughput alone: what numbers near 0 are measured against. */
  readonly total: number;
  /** Around the means of samples with the same workers: what no curve can explain. */
  readonly aroundRepeats: number;
  /** Around the mean of all samples: what there is to explain. */
  readonly aroundMean: number;
  /** By number of workers: repeats have the same distance from all curves, but for that of their mean. */
  readonly #workers: Float64Array;
  readonly #means: Float64Array;
  readonly #weights: Float64Array;

  constructor(samples: readonly CapacitySample[], errors: ErrorModel) {
    this.samples = samples;
    this.mostWorkers = Math.max(...samples.map(({ workers }) => workers));
    const weighted = samples.map((sample) => ({
      ...sample,
      weight: errors === 'absolute' ? 1 : sample.throughput ** -2,
    }));
    const groups = [...Map.groupBy(weighted, ({ workers }) => workers)];
    this.#workers = Float64Array.from(groups, ([workers]) => workers);
    this.#means = Float64Array.from(groups, ([, group]) => meanOf(group));
    this.#weights = Float64Array.from(groups, ([, group]) => weightOf(group));
    this.total = squaresAround(weighted, 0);
    this.aroundRepeats = groups.reduce((sum, [, group]) => sum + squaresAround(group, meanOf(group)), 0);
    this.aroundMean = squaresAround(weighted, meanOf(weighted));
  }

  bestLambda(sigma: number, kappa: number): number {
    let upper = 0;
    let lower = 0;
    // Loops, since an interval is a hundred thousand of these.
    for (let i = 0; i < this.#weights.length; i++) {
      const relative = relativeCapacity(this.#workers[i] as number, sigma, kappa);
      const weighted = (this.#weights[i] as number) * relative;
      upper += weighted * (this.#means[i] as number);
      lower += weighted * relative;
    }
    return upper / lower;
  }

  /** With the best λ, unless one is given. */
  at(sigma: number, kappa: number, lambda: number = this.bestLambda(sigma, kappa)): number {
    let sum = this.aroundRepeats;
    for (let i = 0; i < this.#weights.length; i++) {
      const fitted = lambda * relativeCapacity(this.#workers[i] as number, sigma, kappa);
      const residual = (this.#means[i] as number) - fitted;
      sum += (this.#weights[i] as number) * residual * residual;
    }
    return sum;
  }
}

interface Weighted extends CapacitySample {
  readonly weight: number;
}

function weightOf(samples: readonly Weighted[]): number {
  return samples.reduce((sum, { weight }) => sum + weight, 0);
}

function meanOf(samples: readonly Weighted[]): number {
  return samples.reduce((sum, { weight, throughput }) => sum + weight * throughput, 0) / weightOf(samples);
}

function squaresAround(samples: readonly Weighted[], value: number): number {
  return samples.reduce((sum, { weight, throughput }) => sum + weight * (throughput - value) ** 2, 0);
}
