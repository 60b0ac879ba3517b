// Fits the law to measurements, and says where they do not support that.
import { ArgumentRangeError, checkNames } from '../errors.ts';
import { twoSidedT, upperF } from './distributions.ts';
import { Intervals, type Estimate } from './intervals.ts';
import { KappaRange } from './kappa-range.ts';
import { nearestLaw } from './least-squares.ts';
import { Misfit, type ErrorModel } from './misfit.ts';
import { minimize } from './one-minimum.ts';
import { checkSamples, distinctWorkers, type CapacitySample } from './samples.ts';
import { peakWorkers, relativeCapacity, type Law } from './scalability-law.ts';

export interface FitCapacityOptions {
  /** Of all intervals; 0.95 by default. */
  readonly confidence?: number;
  /** 'absolute' by default: errors are as large at a low throughput as at a high one. 'relative': in proportion to it. */
  readonly errors?: ErrorModel;
}

export type NoFitReason =
  /** Three parameters need four samples, and with fewer repeats than that there is nothing to judge them by. */
  | 'too-few-samples'
  /** Three different numbers of workers at least: a curve. */
  | 'too-few-workers'
  /** More workers do more each: nothing that the law has a parameter for. Often a cache that is larger in all. */
  | 'superlinear'
  /** The errors are so large that any curve would do. */
  | 'too-noisy'
  /** Repeats agree with each other, but not with any curve of the law. */
  | 'contradiction'
  /** Of `measureCapacity`: other processes took too much of the processors, again and again. */
  | 'disturbed'
  /** Of `measureCapacity`: without runs in which more workers than processors had no processor left, numbers are too few. */
  | 'oversubscribed';

/** The samples do not support a fit. */
export interface NoFit {
  readonly kind: 'no-fit';
  readonly reason: NoFitReason;
  /** With what was found and what would do. */
  readonly message: string;
  readonly samples: readonly CapacitySample[];
}

export interface Peak {
  /** `peak`: more workers than that do less, with the confidence of the fit. `none-in-sight`: the samples do not say that there is one. */
  readonly kind: 'peak' | 'none-in-sight';
  /** Where it is most likely, Infinity where there is none; not a whole number. With none in sight `low` alone counts: it is not before that. */
  readonly workers: Estimate;
  /** The whole number next to it with the greater throughput; null with none in sight. */
  readonly bestWorkers: number | null;
  /** At the peak, or as the ceiling that more and more workers come near. */
  readonly throughput: Estimate;
  /** Whether it lies within what was measured; all else is a prediction. */
  readonly isMeasured: boolean;
}

export interface CapacityFit {
  readonly kind: 'fit';
  /** Throughput of one worker. */
  readonly lambda: Estimate;
  /** Contention, 0 to 1. */
  readonly sigma: Estimate;
  /** Coherency, at least 0. */
  readonly kappa: Estimate;
  readonly peak: Peak;
  /** Of the variation, what the law explains; null where the throughput does not vary. */
  readonly rSquared: number | null;
  /** Of a sample: of its throughput, or with relative errors of its ratio to that. */
  readonly standardError: number;
  readonly degreesOfFreedom: number;
  readonly confidence: number;
  readonly samples: readonly (CapacitySample & { readonly fitted: number; readonly residual: number })[];
  /** Throughput with so many workers, measured or not. @throws ArgumentRangeError */
  predict(workers: number): Estimate;
}

const PARAMETERS = 3;
/** Of the mean throughput: with larger errors any curve would do. Guessed. */
const MOST_NOISE = 0.2;
/** What repeats must rule out, and by how much of the throughput, before the law is said to be contradicted. Guessed. */
const CONTRADICTED = { p: 0.01, size: 0.03 };

/** @throws ArgumentRangeError */
export function fitCapacity(
  measured: readonly CapacitySample[],
  options: FitCapacityOptions = {},
): CapacityFit | NoFit {
  checkNames('fitCapacity', options, ['confidence', 'errors']);
  const { confidence = 0.95, errors = 'absolute' } = options;
  if (!(confidence >= 0.5 && confidence <= 0.999))
    throw new ArgumentRangeError('confidence', confidence, 'a number from 0.5 to 0.999');
  if (errors !== 'absolute' && errors !== 'relative')
    throw new ArgumentRangeError('errors', errors, "'absolute' or 'relative'");
  const samples = checkSamples(measured);
  const few = tooFew(samples);
  if (few !== null) return few;
  const misfit = new Misfit(samples, errors);
  const law = nearestLaw(misfit);
  const freedom = samples.length - PARAMETERS;
  const t = twoSidedT(confidence, freedom);
  const least = misfit.at(law.sigma, law.kappa, law.lambda);
  const standardError = Math.sqrt(least / freedom);
  const intervals = new Intervals(misfit, law, t, freedom);
  const sigma = intervals.sigma();
  const refusal =
    superlinear(misfit, least, t, freedom) ??
    contradiction(misfit, least) ??
    tooNoisy(samples, standardError, sigma, errors);
  if (refusal !== null) return refusal;
  const around = misfit.aroundMean;
  return {
    kind: 'fit',
    lambda: intervals.throughput(1),
    sigma,
    kappa: intervals.kappa(),
    peak: peakOf(law, intervals, misfit.mostWorkers),
    rSquared: around <= misfit.total * 1e-14 ? null : 1 - least / around,
    standardError,
    degreesOfFreedom: freedom,
    confidence,
    samples: samples.map((sample) => {
      const fitted = law.lambda * relativeCapacity(sample.workers, law.sigma, law.kappa);
      return { ...sample, fitted, residual: sample.throughput - fitted };
    }),
    predict: (workers) => {
      if (!(Number.isFinite(workers) && workers >= 1))
        throw new ArgumentRangeError('workers', workers, 'a number of at least 1');
      return intervals.throughput(workers);
    },
  };
}

function peakOf(law: Law, intervals: Intervals, mostWorkers: number): Peak {
  const workers = intervals.peakWorkers();
  const isPeak = workers.high !== Infinity;
  const at = peakWorkers(law.sigma, law.kappa);
  const [below, above] = [Math.floor(at), Math.ceil(at)];
  const isAbove =
    relativeCapacity(above, law.sigma, law.kappa) > relativeCapacity(below, law.sigma, law.kappa);
  return {
    kind: isPeak ? 'peak' : 'none-in-sight',
    workers,
    bestWorkers: isPeak ? (isAbove ? above : below) : null,
    throughput: intervals.greatestThroughput(),
    isMeasured: isPeak && at <= mostWorkers,
  };
}

function tooFew(samples: readonly CapacitySample[]): NoFit | null {
  const workers = distinctWorkers(samples);
  if (workers.length < PARAMETERS)
    return refuse(
      samples,
      'too-few-workers',
      `measured with ${workers.length} different numbers of workers (${workers.join(', ')}), expected at least ${PARAMETERS}`,
    );
  if (samples.length <= PARAMETERS)
    return refuse(
      samples,
      'too-few-samples',
      `${samples.length} samples, expected at least ${PARAMETERS + 1}: a curve through all of them has no error to judge it by`,
    );
  return null;
}

/** Whether a negative σ, which no queue has, is nearer by more than chance would make it. */
function superlinear(misfit: Misfit, least: number, t: number, freedom: number): NoFit | null {
  // Below, the law would divide by nothing within what was measured.
  const lowest = -0.9 / (misfit.mostWorkers - 1);
  const range = new KappaRange(misfit.mostWorkers);
  const negative = minimize(
    lowest,
    0,
    (sigma) => minimize(0, 1, (v) => misfit.at(sigma, range.kappaAt(v))).value,
  );
  const isNearer = least - negative.value > (negative.value / freedom) * t ** 2 + misfit.total * 1e-14;
  if (!isNearer) return null;
  return refuse(
    misfit.samples,
    'superlinear',
    `more workers do more each: σ would be ${negative.at.toPrecision(3)}, expected at least 0`,
  );
}

function contradiction(misfit: Misfit, least: number): NoFit | null {
  const { samples } = misfit;
  const groups = distinctWorkers(samples).length;
  const [lackFreedom, repeatFreedom] = [groups - PARAMETERS, samples.length - groups];
  if (lackFreedom === 0 || repeatFreedom === 0) return null;
  const repeats = misfit.aroundRepeats;
  const lack = Math.max(0, least - repeats);
  const size = Math.sqrt(lack / misfit.total);
  if (size < CONTRADICTED.size) return null;
  const p =
    repeats === 0 ? 0 : upperF(lack / lackFreedom / (repeats / repeatFreedom), lackFreedom, repeatFreedom);
  if (p >= CONTRADICTED.p) return null;
  return refuse(
    samples,
    'contradiction',
    `repeats agree, but the nearest curve misses them by ${percent(size)} of the throughput (chance: ${p.toPrecision(2)}), expected less than ${percent(CONTRADICTED.size)}`,
  );
}

function tooNoisy(
  samples: readonly CapacitySample[],
  standardError: number,
  sigma: Estimate,
  errors: ErrorModel,
): NoFit | null {
  const mean = samples.reduce((sum, { throughput }) => sum + throughput, 0) / samples.length;
  const noise = errors === 'relative' ? standardError : standardError / mean;
  if (noise > MOST_NOISE)
    return refuse(
      samples,
      'too-noisy',
      `samples are off the nearest curve by ${percent(noise)} of the throughput, expected at most ${percent(MOST_NOISE)}`,
    );
  if (sigma.low === 0 && sigma.high === 1)
    return refuse(
      samples,
      'too-noisy',
      `with errors of ${percent(noise)} of the throughput σ may be anything from 0 to 1: more repeats, or workers farther apart`,
    );
  return null;
}

function refuse(samples: readonly CapacitySample[], reason: NoFitReason, message: string): NoFit {
  return { kind: 'no-fit', reason, message, samples };
}

function percent(share: number): string {
  return `${(share * 100).toPrecision(3)} %`;
}
