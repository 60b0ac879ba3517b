// A source on this thread, from its opening to its end: what it answers, what it lacks, what it costs.
import { RegistryDisposedError } from '../errors.ts';
import { checkMethod } from '../option-names.ts';
import { SourcesDisposedError, SourceStuckError, SourceTimeoutError } from './errors.ts';
import type { CheckedOptions } from './options.ts';
import { SampleRun } from './sample-run.ts';
import type {
  Absent,
  LateRecord,
  Missing,
  OpenSource,
  Source,
  SourceCapability,
  SourceCost,
} from './source.ts';
import type { SourceMetrics } from './source-metrics.ts';

export class RunningSource {
  readonly source: Source;
  readonly #newMetrics: () => SourceMetrics;
  readonly #options: Pick<CheckedOptions, 'clock' | 'timers' | 'timeoutMs'>;
  #metrics: SourceMetrics | undefined;
  #open: OpenSource | undefined;
  #absent: string | undefined;
  #failure: string | undefined;
  /** A sample that has not ended, given up or not. */
  #run: SampleRun | undefined;
  #samples = 0;
  #failures = 0;
  #totalMs = 0;
  #maxMs = 0;

  constructor(
    source: Source,
    newMetrics: () => SourceMetrics,
    options: Pick<CheckedOptions, 'clock' | 'timers' | 'timeoutMs'>,
  ) {
    this.source = source;
    this.#newMetrics = newMetrics;
    this.#options = options;
  }

  /** Once; later calls change nothing. @throws what the registry says of its metrics */
  open(): void {
    if (this.#metrics !== undefined) return;
    const metrics = this.#newMetrics();
    const opened = this.source.open(metrics);
    if (typeof (opened as Partial<Absent> | null)?.absent !== 'string')
      checkMethod(`what open() of source ${this.source.name} returned`, opened, 'sample');
    this.#metrics = metrics;
    if ('absent' in opened) this.#absent = opened.absent;
    else this.#open = opened;
  }

  /** As `open`, long after the start: what the registry says is kept for `capability`. @throws RegistryDisposedError */
  tryOpen(): void {
    try {
      this.open();
    } catch (error) {
      this.#fail(error);
    }
  }

  /**
   * Reads it. What it throws is kept for `capability`, and it is tried again next time: one source must not stop the others.
   * @returns when all of it is recorded, or it is given up as it is late
   * @throws RegistryDisposedError
   */
  sample(): Promise<void> {
    const open = this.#open;
    if (open === undefined) return Promise.resolve();
    const { clock, timeoutMs } = this.#options;
    const startMs = clock.now();
    const before = this.#run;
    if (before !== undefined) {
      if (!before.isWanted)
        this.#fail(new SourceStuckError(this.source.name, startMs - before.startMs, timeoutMs));
      return before.answered;
    }
    const run = new SampleRun(startMs);
    try {
      const rest: unknown = open.sample(run.context);
      // It may have disposed of itself.
      if (this.#open !== open) run.giveUp(new SourcesDisposedError());
      if (isThenable(rest)) void this.#finish(run, rest);
      else this.#end(run);
    } catch (error) {
      run.end();
      this.#fail(error);
    }
    this.#samples++;
    this.#addTime(startMs);
    return run.answered;
  }

  #addTime(startMs: number): void {
    const tookMs = this.#options.clock.now() - startMs;
    this.#totalMs += tookMs;
    this.#maxMs = Math.max(this.#maxMs, tookMs);
  }

  #fail(error: unknown): void {
    if (error instanceof RegistryDisposedError) throw error;
    this.#keep(error);
  }

  #keep(error: unknown): void {
    this.#failures++;
    this.#failure = messageOf(error);
  }

  async #finish(run: SampleRun, rest: PromiseLike<unknown>): Promise<void> {
    const { timers, timeoutMs } = this.#options;
    this.#run = run;
    try {
      if (run.isWanted) run.limit(timers, timeoutMs, () => this.#giveUp(run));
      const record = await rest;
      if (run.isWanted && typeof record === 'function') (record as LateRecord)();
      this.#end(run);
    } catch (error) {
      if (run.isWanted) this.#keep(error);
    } finally {
      this.#run = undefined;
      run.end();
    }
  }

  /** Of a sample that was given up it is told as that, until the next one has ended well. */
  #end(run: SampleRun): void {
    if (run.isWanted) this.#failure = undefined;
    run.end();
  }

  #giveUp(run: SampleRun): void {
    const error = new SourceTimeoutError(this.source.name, this.#options.timeoutMs);
    this.#keep(error);
    run.giveUp(error);
  }

  /** Lets go of everything, and clears its gauges. @throws what the source throws, after that */
  close(): void {
    const metrics = this.#metrics;
    const open = this.#open;
    this.#open = undefined;
    this.#absent = undefined;
    this.#metrics = undefined;
    this.#failure = undefined;
    this.#run?.giveUp(new SourcesDisposedError());
    metrics?.clearGauges();
    open?.close?.();
  }

  /** @param otherwise what it is where it was not opened */
  capability(otherwise: Pick<SourceCapability, 'status' | 'reason'>): SourceCapability {
    const { name, scope } = this.source;
    const base = { name, scope, metrics: this.#metrics?.names ?? [], missing: this.#missing() };
    if (this.#absent !== undefined) return { ...base, status: 'absent', reason: this.#absent };
    if (this.#failure !== undefined) return { ...base, status: 'failing', reason: this.#failure };
    return this.#open === undefined ? { ...base, ...otherwise } : { ...base, status: 'active', reason: null };
  }

  #missing(): readonly Missing[] {
    try {
      return this.#open?.missing?.() ?? [];
    } catch {
      // A port that is closed: the next sample says so.
      return [];
    }
  }

  cost(): SourceCost {
    const { name } = this.source;
    return {
      name,
      samples: this.#samples,
      failures: this.#failures,
      totalMs: this.#totalMs,
      maxMs: this.#maxMs,
    };
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function isThenable(found: unknown): found is PromiseLike<unknown> {
  return typeof (found as Partial<PromiseLike<unknown>> | null | undefined)?.then === 'function';
}
