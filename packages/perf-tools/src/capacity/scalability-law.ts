// The Universal Scalability Law (N. J. Gunther, Guerrilla Capacity Planning, 2007). Pure.
//
//   X(N) = λN / (1 + σ(N − 1) + κN(N − 1))
//
// λ: throughput of one worker. σ, 0 to 1: the part of the work for which they queue. κ, at least 0: what each pair costs to agree.
// With κ > 0 there is a peak at N* = √((1 − σ)/κ), beyond which more workers do less; with κ = 0 there is only a ceiling, λ/σ.

export interface Law {
  readonly lambda: number;
  readonly sigma: number;
  readonly kappa: number;
}

/** How many times as much `workers` do as one does. */
export function relativeCapacity(workers: number, sigma: number, kappa: number): number {
  return workers / (1 + sigma * (workers - 1) + kappa * workers * (workers - 1));
}

/** Workers at the peak, which need not be a whole number; at least 1, Infinity where there is none. */
export function peakWorkers(sigma: number, kappa: number): number {
  return kappa === 0 ? (sigma >= 1 ? 1 : Infinity) : Math.max(1, Math.sqrt(Math.max(0, 1 - sigma) / kappa));
}

/** The most that the law allows, as times of what one worker does: at the peak, or the ceiling; Infinity where it grows for ever. */
export function greatestCapacity(sigma: number, kappa: number): number {
  const peak = peakWorkers(sigma, kappa);
  return peak === Infinity ? 1 / sigma : relativeCapacity(peak, sigma, kappa);
}
