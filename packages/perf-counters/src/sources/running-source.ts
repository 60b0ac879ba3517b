// A source on this thread, from its opening to its end: what it answers, what it lacks, what it costs.
import { RegistryDisposedError } from '../errors.ts';
import { checkMethod } from '../option-names.ts';
import type { Clock } from '../ports.ts';
import type { Absent, Missing, OpenSource, Source, SourceCapability, SourceCost } from './source.ts';
import type { SourceMetrics } from './source-metrics.ts';

export class RunningSource {
  readonly source: Source;
  readonly #newMetrics: () => SourceMetrics;
  readonly #clock: Clock;
  #metrics: SourceMetrics | undefined;
  #open: OpenSource | undefined;
  #absent: string | undefined;
  #failure: string | undefined;
  #pending: Promise<void> | undefined;
  #samples = 0;
  #totalMs = 0;
  #maxMs = 0;

  constructor(source: Source, newMetrics: () => SourceMetrics, clock: Clock) {
    this.source = source;
    this.#newMetrics = newMetrics;
    this.#clock = clock;
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
   * @returns when all of it is recorded
   * @throws RegistryDisposedError
   */
  sample(): Promise<void> {
    const open = this.#open;
    if (open === undefined) return Promise.resolve();
    if (this.#pending !== undefined) return this.#pending;
    const startMs = this.#clock.now();
    try {
      const rest = open.sample();
      this.#failure = undefined;
      if (rest !== undefined) this.#pending = this.#finish(open, rest);
    } catch (error) {
      this.#fail(error);
    }
    const tookMs = this.#clock.now() - startMs;
    this.#samples++;
    this.#totalMs += tookMs;
    this.#maxMs = Math.max(this.#maxMs, tookMs);
    return this.#pending ?? Promise.resolve();
  }

  #fail(error: unknown): void {
    if (error instanceof RegistryDisposedError) throw error;
    this.#failure = messageOf(error);
  }

  async #finish(open: OpenSource, rest: Promise<void>): Promise<void> {
    try {
      await rest;
    } catch (error) {
      if (this.#open === open) this.#failure = messageOf(error);
    } finally {
      this.#pending = undefined;
    }
  }

  /** Lets go of everything, and clears its gauges. @throws what the source throws, after that */
  close(): void {
    const metrics = this.#metrics;
    const open = this.#open;
    this.#open = undefined;
    this.#absent = undefined;
    this.#metrics = undefined;
    this.#failure = undefined;
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
    return { name, samples: this.#samples, totalMs: this.#totalMs, maxMs: this.#maxMs };
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
