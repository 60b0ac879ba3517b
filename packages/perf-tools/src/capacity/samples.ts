// Measured throughput by workers, checked: it comes from files and from other people's programs.
import { ArgumentRangeError } from '../errors.ts';

export interface CapacitySample {
  /** How many worked at once: an integer of at least 1. */
  readonly workers: number;
  /** What they did together in a unit of time, in any unit: from 1e-100 to 1e100. */
  readonly throughput: number;
}

/** Of the throughput: their squares are numbers, too. */
const LEAST = 1e-100;
const MOST = 1e100;
const MOST_SAMPLES = 10_000;
const MOST_WORKERS = 1e6;
/** A fit takes half a second with as many. Measured. */
const MOST_DIFFERENT = 1000;

/** By workers, fewest first. @throws ArgumentRangeError */
export function checkSamples(samples: readonly CapacitySample[]): CapacitySample[] {
  if (!Array.isArray(samples) || samples.length > MOST_SAMPLES)
    throw new ArgumentRangeError('samples', samples, `an array of at most ${MOST_SAMPLES}`);
  const checked = samples
    .map((sample, i) => {
      const { workers, throughput } = (sample ?? {}) as Partial<CapacitySample>;
      if (!Number.isInteger(workers) || (workers as number) < 1 || (workers as number) > MOST_WORKERS)
        throw new ArgumentRangeError(
          `samples[${i}].workers`,
          workers,
          `an integer from 1 to ${MOST_WORKERS}`,
        );
      if (typeof throughput !== 'number' || !(throughput >= LEAST && throughput <= MOST))
        throw new ArgumentRangeError(
          `samples[${i}].throughput`,
          throughput,
          `a number from ${LEAST} to ${MOST}`,
        );
      return { workers: workers as number, throughput };
    })
    .toSorted((a, b) => a.workers - b.workers);
  const different = distinctWorkers(checked).length;
  if (different > MOST_DIFFERENT)
    throw new ArgumentRangeError('different numbers of workers', different, `at most ${MOST_DIFFERENT}`);
  return checked;
}

export function distinctWorkers(samples: readonly CapacitySample[]): number[] {
  return [...new Set(samples.map(({ workers }) => workers))];
}
