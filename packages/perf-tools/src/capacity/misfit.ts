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
  readonly #workers: Float64Array;
  readonly #throughput: Float64Array;
  readonly #weights: Float64Array;

  constructor(samples: readonly CapacitySample[], errors: ErrorModel) {
    this.samples = samples;
    this.mostWorkers = Math.max(...samples.map(({ workers }) => workers));
    this.#workers = Float64Array.from(samples, ({ workers }) => workers);
    this.#throughput = Float64Array.from(samples, ({ throughput }) => throughput);
    this.#weights = this.#throughput.map((throughput) => (errors === 'absolute' ? 1 : throughput ** -2));
    this.total = this.#around(0);
  }

  bestLambda(sigma: number, kappa: number): number {
    let upper = 0;
    let lower = 0;
    // Loops, since an interval is a hundred thousand of these.
    for (let i = 0; i < this.#weights.length; i++) {
      const relative = relativeCapacity(this.#workers[i] as number, sigma, kappa);
      const weighted = (this.#weights[i] as number) * relative;
      upper += weighted * (this.#throughput[i] as number);
      lower += weighted * relative;
    }
    return upper / lower;
  }

  /** With the best λ, unless one is given. */
  at(sigma: number, kappa: number, lambda: number = this.bestLambda(sigma, kappa)): number {
    let sum = 0;
    for (let i = 0; i < this.#weights.length; i++) {
      const fitted = lambda * relativeCapacity(this.#workers[i] as number, sigma, kappa);
      const residual = (this.#throughput[i] as number) - fitted;
      sum += (this.#weights[i] as number) * residual * residual;
    }
    return sum;
  }

  /** Around the weighted mean of all samples: what there is to explain. */
  aroundMean(): number {
    const weights = this.#weights.reduce((all, weight) => all + weight, 0);
    return this.#around(
      this.#weights.reduce((sum, weight, i) => sum + weight * (this.#throughput[i] as number), 0) / weights,
    );
  }

  /** Around the means of samples with the same workers: what no curve can explain. */
  aroundRepeats(): number {
    const groups = Map.groupBy(
      this.samples.map((sample, i) => ({ ...sample, weight: this.#weights[i] as number })),
      ({ workers }) => workers,
    );
    let sum = 0;
    for (const group of groups.values()) {
      const weights = group.reduce((all, { weight }) => all + weight, 0);
      const mean = group.reduce((all, { weight, throughput }) => all + weight * throughput, 0) / weights;
      for (const { weight, throughput } of group) sum += weight * (throughput - mean) ** 2;
    }
    return sum;
  }

  #around(value: number): number {
    return this.#weights.reduce(
      (sum, weight, i) => sum + weight * ((this.#throughput[i] as number) - value) ** 2,
      0,
    );
  }
}
