// Measures throughput by workers, and fits the law to it.
//
// A machine does other things, too: what comes and goes within minutes is in all numbers of workers, for they take turns; what comes within a
// run is seen by the CPU time of other processes, and the run is repeated (`mostForeign`); what is left are errors, against which rounds help
// (`precision`), and medians where they all go one way.
import { PerfToolsError } from '../errors.ts';
import type { CapacityFit, NoFit } from './fit-capacity.ts';
import { fitRuns, isPrecise, refuseDisturbed } from './fit-runs.ts';
import { checkMeasureOptions, type MeasureCapacityOptions, type RunWorkers } from './measure-options.ts';
import { verdictOf, type MeasuredRun } from './measured-run.ts';
import { processorUse, readProcessorTimes, type ProcessorTimes } from './processor-use.ts';

export type MeasuredCapacity = (CapacityFit | NoFit) & {
  /** All of them, in the order of time, also those that do not count. */
  readonly runs: readonly MeasuredRun[];
};

/** A run did not say how much it did. */
export class CapacityRunError extends PerfToolsError {
  override readonly name = 'CapacityRunError';
  readonly workers: number;

  constructor(workers: number, found: unknown) {
    super(
      'ERR_CAPACITY_RUN',
      `a run with ${workers} workers has given ${String(found)} as its throughput, expected a positive number`,
    );
    this.workers = workers;
  }
}

/**
 * One run at a time: numbers of workers take turns, so that what changes meanwhile is in all of them. Any run that throws ends it.
 * @throws ArgumentRangeError, CapacityRunError, the reason of `signal`
 */
export async function measureCapacity(
  run: RunWorkers,
  options: MeasureCapacityOptions,
): Promise<MeasuredCapacity> {
  return await measureWith(run, options, readProcessorTimes);
}

/** @param times how the processors are used; a test has its own */
export async function measureWith(
  run: RunWorkers,
  options: MeasureCapacityOptions,
  times: () => ProcessorTimes,
): Promise<MeasuredCapacity> {
  const {
    workers,
    rounds,
    mostRounds,
    precision,
    mostMs,
    medians,
    warmUp,
    mostForeign,
    random,
    signal,
    fit,
  } = checkMeasureOptions(run, options);
  const { available: processors, nowMs: startMs } = times();
  const runs: MeasuredRun[] = [];
  const fitted = (): CapacityFit | NoFit => fitRuns(runs, medians, fit, processors);
  let repeatsLeft = 0;
  for (let round = warmUp ? -1 : 0; round < mostRounds; round++) {
    const waiting = shuffled(workers, random);
    if (round >= 0) repeatsLeft += workers.length;
    for (const each of waiting) {
      signal.throwIfAborted();
      const before = times();
      const throughput = await run({ workers: each, round, signal });
      if (!Number.isFinite(throughput) || throughput <= 0) throw new CapacityRunError(each, throughput);
      const use = processorUse(before, times());
      const verdict = verdictOf(round, use, mostForeign);
      runs.push({ workers: each, round, throughput, ...use, verdict });
      if (verdict !== 'disturbed') continue;
      if (repeatsLeft-- === 0) {
        signal.throwIfAborted();
        return { ...refuseDisturbed(runs, mostForeign), runs };
      }
      waiting.push(each); // an array yields what is added while it is walked
    }
    if (round + 1 < rounds || round + 1 === mostRounds) continue;
    if (times().nowMs - startMs >= mostMs || isPrecise(fitted(), workers, precision)) break;
  }
  signal.throwIfAborted();
  return { ...fitted(), runs };
}

function shuffled(values: readonly number[], random: () => number): number[] {
  const order = [...values];
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j] as number, order[i] as number];
  }
  return order;
}
