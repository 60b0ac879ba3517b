import type { Metric } from '../../suite.ts';

/** A percentile is told with at least so many samples beyond it. */
const LEAST_BEYOND = 10;

/** What a batch remembers at most; more of them are counted, not kept. */
const CAPACITY = 2 ** 17;

const PERCENTILES = [
  ['p50', 0.5],
  ['p99', 0.99],
  ['p99.9', 0.999],
] as const;

/** Times of single tasks, submitted to settled: of one task at a time. */
export class Latencies {
  readonly #samplesNs = new Float64Array(CAPACITY);
  #count = 0;
  #maxNs = 0;

  clear(): void {
    this.#count = this.#maxNs = 0;
  }

  /** @param milliseconds as `performance.now()` counts */
  add(milliseconds: number): void {
    const ns = milliseconds * 1e6;
    if (this.#count < CAPACITY) this.#samplesNs[this.#count] = ns;
    this.#count++;
    if (ns > this.#maxNs) this.#maxNs = ns;
  }

  metrics(): Readonly<Record<string, Metric>> {
    const kept = this.#samplesNs.subarray(0, Math.min(this.#count, CAPACITY)).toSorted();
    const metrics: Record<string, Metric> = {};
    for (const [name, share] of PERCENTILES)
      if (kept.length * (1 - share) >= LEAST_BEYOND)
        metrics[name] = { value: kept[Math.floor(kept.length * share)] as number, unit: 'ns' };
    return { ...metrics, max: { value: this.#maxNs, unit: 'ns' } };
  }
}
