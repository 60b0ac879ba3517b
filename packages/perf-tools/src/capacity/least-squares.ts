// The law that is nearest to the samples, with σ from 0 to 1 and κ at least 0. Pure.
//
// The law is linear in λ, which leaves two parameters to search (variable projection; Golub & Pereyra 1973): for each σ the best κ, and of
// those the best σ. It takes a millisecond, needs no start, and ends on a bound where the minimum is there. Tried: Levenberg–Marquardt of
// ml-levenberg-marquardt, which from the best of a grid ended with λ a quarter off for SPEC SDM91; from a good start it finds the same (a test looks).
import { KappaRange } from './kappa-range.ts';
import type { Misfit } from './misfit.ts';
import { minimize, type Minimum } from './one-minimum.ts';
import type { Law } from './scalability-law.ts';

export function nearestLaw(misfit: Misfit): Law {
  const range = new KappaRange(misfit.mostWorkers);
  const kappaFor = (sigma: number): Minimum =>
    minimize(0, 1, (position) => misfit.at(sigma, range.kappaAt(position)));
  const sigma = minimize(0, 1, (each) => kappaFor(each).value).at;
  const kappa = range.kappaAt(kappaFor(sigma).at);
  return { lambda: misfit.bestLambda(sigma, kappa), sigma, kappa };
}
