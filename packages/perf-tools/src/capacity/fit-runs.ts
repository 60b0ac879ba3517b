// Fits the law to the runs that count, or says what was wrong with them. Pure.
import { fitCapacity, type CapacityFit, type FitCapacityOptions, type NoFit } from './fit-capacity.ts';
import { isOversubscribed, median, type MeasuredRun } from './measured-run.ts';
import { LEAST_NUMBERS } from './measure-options.ts';

/** Of the processors: a fit that failed while others took more is said to have. Guessed. */
const WORTH_SAYING = 0.1;

/** Runs that are the processors' are not the workers': without them, where enough is left. */
export function fitRuns(
  runs: readonly MeasuredRun[],
  medians: boolean,
  fit: FitCapacityOptions,
  processors: number,
): CapacityFit | NoFit {
  const real = runs.filter(({ verdict }) => verdict === 'counts');
  const byNumber = [...Map.groupBy(real, ({ workers }) => workers).values()];
  const counted = byNumber.filter((each) => !isOversubscribed(each, processors)).flat();
  if (counted.length < real.length && numbersOf(counted).length < LEAST_NUMBERS) {
    const left = numbersOf(counted);
    const over = numbersOf(real).filter((workers) => !left.includes(workers));
    return {
      kind: 'no-fit',
      reason: 'oversubscribed',
      message: `with ${over.join(', ')} workers no time was left on ${processors} processors, and more workers could not do more whatever they share; without these, ${left.length} different numbers are left (${left.join(', ')}), expected at least ${LEAST_NUMBERS}: more processors, or work that waits`,
      samples: samplesOf(real),
    };
  }
  const found = fitCapacity(medians ? mediansOf(counted) : samplesOf(counted), fit);
  const foreign = median(counted.map((run) => run.foreign ?? 0));
  if (found.kind === 'fit' || foreign <= WORTH_SAYING) return found;
  return {
    ...found,
    message: `${found.message}; others took ${percent(foreign)} of the processors meanwhile`,
  };
}

/** Repeats did not help. */
export function refuseDisturbed(runs: readonly MeasuredRun[], mostForeign: number): NoFit {
  const all = runs.filter(({ verdict }) => verdict === 'disturbed');
  const shares = all.map(({ foreign }) => foreign ?? 0);
  const [least, most] = [Math.min(...shares), Math.max(...shares)];
  const real = runs.filter(({ verdict }) => verdict !== 'warm-up');
  return {
    kind: 'no-fit',
    reason: 'disturbed',
    message: `during ${all.length} of ${real.length} runs others took ${percent(least)} to ${percent(most)} of the processors, expected at most ${percent(mostForeign)} (mostForeign)`,
    samples: samplesOf(runs.filter(({ verdict }) => verdict === 'counts')),
  };
}

/** Whether further rounds would not help, or are not asked for. */
export function isPrecise(
  found: CapacityFit | NoFit,
  workers: readonly number[],
  precision: number | undefined,
): boolean {
  if (precision === undefined) return true;
  // More rounds make noise less, and nothing else.
  if (found.kind === 'no-fit') return found.reason !== 'too-noisy' && found.reason !== 'too-few-samples';
  return [1, Math.max(...workers)].every((each) => {
    const { value, low, high } = found.predict(each);
    return Math.max(high - value, value - low) <= precision * value;
  });
}

function samplesOf(runs: readonly MeasuredRun[]): NoFit['samples'] {
  return runs
    .map(({ workers, throughput }) => ({ workers, throughput }))
    .toSorted((a, b) => a.workers - b.workers);
}

function mediansOf(runs: readonly MeasuredRun[]): NoFit['samples'] {
  return [...Map.groupBy(samplesOf(runs), ({ workers }) => workers)].map(([workers, samples]) => ({
    workers,
    throughput: median(samples.map(({ throughput }) => throughput)),
  }));
}

function numbersOf(runs: readonly MeasuredRun[]): number[] {
  return [...new Set(runs.map(({ workers }) => workers))].toSorted((a, b) => a - b);
}

function percent(share: number): string {
  return `${(share * 100).toPrecision(2)} %`;
}
