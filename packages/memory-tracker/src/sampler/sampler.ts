// Samples memory at an interval, keeps the last samples of each series, and says which of them grow.
import { EventEmitter } from 'node:events';
import { ArgumentRangeError, MemoryTrackerError } from '../errors.ts';
import { checkNames } from '../options.ts';
import { assessGrowth, growthOptions, type GrowthOptions, type GrowthReport } from './growth.ts';
import { systemClock, type MemorySource, type SamplerClock } from './ports.ts';
import { SampleRing } from './sample-ring.ts';

export interface MemorySamplerOptions {
  /** At least one, with names of their own. */
  readonly sources: readonly MemorySource[];
  /** Milliseconds between samples; 1000 by default. */
  readonly intervalMs?: number;
  /** Samples that are kept of each series, the window of growth; 600 by default. */
  readonly capacity?: number;
  /** Series at most; 256 by default. Figures beyond are not sampled, and an `overflow` tells so once. */
  readonly maxSeries?: number;
  readonly growth?: GrowthOptions;
  /** Stops it. */
  readonly signal?: AbortSignal;
  readonly clock?: SamplerClock;
}

/** A series that has begun to grow, or is not seen to grow any more. */
export interface GrowthEvent extends GrowthReport {
  readonly series: string;
  /** The newest sample. */
  readonly bytes: number;
}

export interface MemorySamplerEvents {
  /** Once an episode: two windows in a row, that overlap by half, have grown. */
  growth: [event: GrowthEvent];
  /** Once an episode: there is no evidence any more. */
  settled: [event: GrowthEvent];
  /** A source has thrown, for the first time or after it had worked. */
  sourceError: [source: string, error: unknown];
  overflow: [series: string, maxSeries: number];
}

interface Series {
  readonly ring: SampleRing;
  /** Windows in a row that have grown. */
  grown: number;
  isGrowing: boolean;
}

/** Windows in a row. */
const MIN_WINDOWS = 2;
/** Guessed: more is rather a mistake. */
const MAX_CAPACITY = 1_000_000;
const OPTIONS = ['sources', 'intervalMs', 'capacity', 'maxSeries', 'growth', 'signal', 'clock'];

/** The sampler was stopped. */
export class SamplerStoppedError extends MemoryTrackerError {
  override readonly name = 'SamplerStoppedError';

  constructor() {
    super('ERR_SAMPLER_STOPPED', 'the sampler is stopped: make another one');
  }
}

export class MemorySampler extends EventEmitter<MemorySamplerEvents> {
  readonly intervalMs: number;
  readonly capacity: number;
  readonly #sources: readonly MemorySource[];
  readonly #maxSeries: number;
  readonly #growth: GrowthOptions;
  readonly #clock: SamplerClock;
  readonly #series = new Map<string, Series>();
  readonly #failing = new Set<string>();
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = (): void => this.stop();
  #stopTimer: (() => void) | undefined;
  #hasOverflowed = false;
  #isStopped = false;

  /** Samples nothing until `start`, or `sample`. @throws ArgumentRangeError */
  constructor(options: MemorySamplerOptions) {
    super();
    checkNames('options', options, OPTIONS);
    const { sources, intervalMs = 1000, capacity = 600, maxSeries = 256, growth = {}, signal } = options;
    if (!Array.isArray(sources) || sources.length === 0)
      throw new ArgumentRangeError('sources', sources, 'at least one source');
    const names = sources.map((source) => source?.name);
    const twice = names.find((name, i) => names.indexOf(name) !== i);
    if (twice !== undefined) throw new ArgumentRangeError('sources', twice, 'names that differ');
    checkInteger('intervalMs', intervalMs, 1, 2 ** 31 - 1);
    checkInteger('capacity', capacity, 8, MAX_CAPACITY);
    checkInteger('maxSeries', maxSeries, 1, MAX_CAPACITY);
    const { minSamples, blocks } = growthOptions(growth);
    const least = Math.max(minSamples, 2 * blocks);
    if (least > capacity)
      throw new ArgumentRangeError('capacity', capacity, `at least ${least}, which growth takes`);
    for (const source of sources)
      if (typeof source?.name !== 'string' || typeof source.read !== 'function')
        throw new ArgumentRangeError('sources', source, 'objects with a name and a function read');
    const { clock = systemClock } = options;
    if (typeof clock.now !== 'function' || typeof clock.every !== 'function')
      throw new ArgumentRangeError('clock', clock, 'an object with functions now and every');
    this.intervalMs = intervalMs;
    this.capacity = capacity;
    this.#sources = sources;
    this.#maxSeries = maxSeries;
    this.#growth = growth;
    this.#clock = clock;
    this.#signal = signal;
    if (signal?.aborted) this.#isStopped = true;
    else signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** Samples now and then at each interval. Does not keep the process alive. Once more: nothing. @throws SamplerStoppedError */
  start(): this {
    if (this.#isStopped) throw new SamplerStoppedError();
    if (this.#stopTimer !== undefined) return this;
    // First the timer: who hears of the first sample may stop it.
    this.#stopTimer = this.#clock.every(this.intervalMs, () => this.sample());
    this.sample();
    return this;
  }

  /** One sample of all sources, and a look at what grows where half a window is new. @throws SamplerStoppedError */
  sample(): void {
    if (this.#isStopped) throw new SamplerStoppedError();
    const timeMs = this.#clock.now();
    const seen = new Set<string>();
    for (const source of this.#sources) {
      for (const [figure, bytes] of this.#read(source)) {
        const name = `${source.name}.${figure}`;
        const series = this.#open(name);
        if (series === undefined) continue;
        seen.add(name);
        series.ring.push(timeMs, bytes);
        if (series.ring.count % this.#stride === 0) this.#follow(name, series);
      }
    }
    // A gap: the times of a series are those of the sampler.
    for (const [name, { ring }] of this.#series) if (!seen.has(name)) ring.push(timeMs, NaN);
  }

  /** Series that were ever seen, as `source.figure`. */
  get names(): string[] {
    return [...this.#series.keys()];
  }

  /** The newest sample of all series; NaN for a gap. */
  latest(): Record<string, number> {
    return Object.fromEntries([...this.#series].map(([name, { ring }]) => [name, ring.latest]));
  }

  /** The samples of a series that are kept, oldest first: milliseconds of the clock, and bytes. @throws ArgumentRangeError */
  series(name: string): { timesMs: number[]; bytes: number[] } {
    return this.#known(name).ring.read();
  }

  /** Whether a series grows, by the samples that are kept: one window, where an event takes two in a row. @throws ArgumentRangeError */
  growth(name: string): GrowthReport {
    const { timesMs, bytes } = this.series(name);
    return assessGrowth(timesMs, bytes, this.#growth);
  }

  /** Series in an episode of growth. */
  get growing(): string[] {
    return [...this.#series].filter(([, { isGrowing }]) => isGrowing).map(([name]) => name);
  }

  /** Stops for good. What was sampled can still be read. */
  stop(): void {
    this.#isStopped = true;
    this.#stopTimer?.();
    this.#stopTimer = undefined;
    this.#signal?.removeEventListener('abort', this.#onAbort);
  }

  [Symbol.dispose](): void {
    this.stop();
    this.removeAllListeners();
  }

  /** Samples between two looks at a series. */
  get #stride(): number {
    return this.capacity >> 1;
  }

  #follow(name: string, series: Series): void {
    const report = this.growth(name);
    if (report.verdict === 'too few samples') return;
    series.grown = report.verdict === 'growing' ? series.grown + 1 : 0;
    const isGrowing = series.grown >= MIN_WINDOWS;
    if (isGrowing !== series.isGrowing && (isGrowing || series.grown === 0)) {
      series.isGrowing = isGrowing;
      this.emit(isGrowing ? 'growth' : 'settled', { ...report, series: name, bytes: series.ring.latest });
    }
  }

  #read(source: MemorySource): [figure: string, bytes: number][] {
    try {
      const figures = Object.entries(source.read());
      const wrong = figures.find(([, bytes]) => typeof bytes !== 'number');
      if (wrong !== undefined)
        throw new ArgumentRangeError(`${source.name}.${wrong[0]}`, wrong[1], 'a number of bytes');
      this.#failing.delete(source.name);
      return figures;
    } catch (error) {
      if (!this.#failing.has(source.name)) {
        this.#failing.add(source.name);
        this.emit('sourceError', source.name, error);
      }
      return [];
    }
  }

  #open(name: string): Series | undefined {
    const known = this.#series.get(name);
    if (known !== undefined) return known;
    if (this.#series.size >= this.#maxSeries) {
      if (!this.#hasOverflowed) this.emit('overflow', name, this.#maxSeries);
      this.#hasOverflowed = true;
      return undefined;
    }
    const series = { ring: new SampleRing(this.capacity), grown: 0, isGrowing: false };
    this.#series.set(name, series);
    return series;
  }

  #known(name: string): Series {
    const series = this.#series.get(name);
    if (series === undefined)
      throw new ArgumentRangeError('series', name, `one of ${this.names.slice(0, 32).join(', ')}`);
    return series;
  }
}

function checkInteger(argument: string, found: number, least: number, most: number): void {
  if (!Number.isInteger(found) || found < least || found > most)
    throw new ArgumentRangeError(argument, found, `an integer from ${least} to ${most}`);
}
