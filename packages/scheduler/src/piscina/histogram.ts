// Times of tasks: recorded in microseconds, told in milliseconds.
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';

/** Milliseconds. Where nothing has been recorded, the average, mean and deviation are NaN. */
export interface PiscinaHistogramSummary {
  readonly average: number;
  readonly mean: number;
  readonly stddev: number;
  readonly min: number;
  readonly max: number;
  readonly p0_001: number;
  readonly p0_01: number;
  readonly p0_1: number;
  readonly p1: number;
  readonly p2_5: number;
  readonly p10: number;
  readonly p25: number;
  readonly p50: number;
  readonly p75: number;
  readonly p90: number;
  readonly p97_5: number;
  readonly p99: number;
  readonly p99_9: number;
  readonly p99_99: number;
  readonly p99_999: number;
}

export interface PiscinaHistogram {
  /** From a task's start on a worker to its result. */
  readonly runTime: PiscinaHistogramSummary;
  /** From `run()` to the start. */
  readonly waitTime: PiscinaHistogramSummary;
  resetRunTime(): void;
  resetWaitTime(): void;
}

const US_PER_MS = 1000;

export class Times {
  readonly #histogram: RecordableHistogram = createHistogram();

  record(ms: number): void {
    this.#histogram.record(Math.max(1, Math.trunc(ms * US_PER_MS)));
  }

  get count(): number {
    return this.#histogram.count;
  }

  get totalMs(): number {
    return this.count === 0 ? 0 : (this.#histogram.mean * this.count) / US_PER_MS;
  }

  reset(): void {
    this.#histogram.reset();
  }

  summary(): PiscinaHistogramSummary {
    const { mean, stddev, min, max } = this.#histogram;
    const at = (percentile: number): number => this.#histogram.percentile(percentile) / US_PER_MS;
    return {
      average: mean / US_PER_MS,
      mean: mean / US_PER_MS,
      stddev: stddev / US_PER_MS,
      min: min / US_PER_MS,
      max: max / US_PER_MS,
      p0_001: at(0.001),
      p0_01: at(0.01),
      p0_1: at(0.1),
      p1: at(1),
      p2_5: at(2.5),
      p10: at(10),
      p25: at(25),
      p50: at(50),
      p75: at(75),
      p90: at(90),
      p97_5: at(97.5),
      p99: at(99),
      p99_9: at(99.9),
      p99_99: at(99.99),
      p99_999: at(99.999),
    };
  }
}

/** Of a pool. */
export class PoolTimes {
  readonly run: Times = new Times();
  readonly wait: Times = new Times();
}

/** What `pool.histogram` is. Without times its summaries are undefined, as piscina's are. */
export class HistogramView implements PiscinaHistogram {
  readonly #times: PoolTimes | undefined;

  constructor(times: PoolTimes | undefined) {
    this.#times = times;
  }

  get runTime(): PiscinaHistogramSummary {
    return this.#times?.run.summary() as PiscinaHistogramSummary;
  }

  get waitTime(): PiscinaHistogramSummary {
    return this.#times?.wait.summary() as PiscinaHistogramSummary;
  }

  resetRunTime(): void {
    this.#times?.run.reset();
  }

  resetWaitTime(): void {
    this.#times?.wait.reset();
  }
}
