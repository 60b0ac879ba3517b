// What the collector did in a window of time on this thread: pauses, kinds, and bytes freed.
//
// Tried and rejected: a PerformanceObserver for `gc`. Its entries arrive with a later turn of the event loop, so a window that ends in
// the same turn misses some, and they lack the bytes freed. GCProfiler answers at once, with the heap before and after each.
import { GCProfiler } from 'node:v8';
import { GcTrackerDisposedError } from './errors.ts';

/** As prom-client and Node's performance entries call them. */
export type GcKind = 'minor' | 'major' | 'incremental' | 'weakcb' | 'other';

const KINDS: Readonly<Record<string, GcKind>> = {
  Scavenge: 'minor',
  MinorMarkSweep: 'minor',
  MinorMarkCompact: 'minor',
  MarkSweepCompact: 'major',
  IncrementalMarking: 'incremental',
  ProcessWeakCallbacks: 'weakcb',
};

/** Samples beyond a percentile that it takes to name it. */
const SAMPLES_BEYOND = 10;
const US_PER_MS = 1000;

export interface GcFigures {
  /** Collections. */
  readonly count: number;
  /** Time that the thread stood still, in all. */
  readonly pauseMs: number;
  /** The longest of them; 0 where there was none. */
  readonly maxPauseMs: number;
  /** By which the used heap was smaller after collections than before. What is swept later, on other threads, is not in it. */
  readonly freedBytes: number;
}

export interface GcSummary extends GcFigures {
  /** Kinds that there were. */
  readonly byKind: Readonly<Partial<Record<GcKind, GcFigures>>>;
  /** Of the pauses; undefined with fewer than 20 of them. */
  readonly p50PauseMs: number | undefined;
  /** Undefined with fewer than 1000 pauses: fewer than 10 would be beyond it. */
  readonly p99PauseMs: number | undefined;
  /** Length of the window. */
  readonly elapsedMs: number;
  /** Pauses in the window, 0 to 1. */
  readonly pauseShare: number;
}

/** The part of `performance` that it takes. */
export interface GcClock {
  now(): number;
}

/** One of them. @internal */
export interface Collection {
  readonly kind: GcKind;
  readonly pauseMs: number;
  readonly freedBytes: number;
}

/** A window that is open until `stop`. */
export class GcTracker {
  readonly #profiler = new GCProfiler();
  readonly #clock: GcClock;
  readonly #startMs: number;
  #summary: GcSummary | undefined;
  #disposed = false;

  /** Made by `trackGc`. @internal */
  constructor(clock: GcClock) {
    this.#clock = clock;
    this.#profiler.start();
    this.#startMs = clock.now();
  }

  /** Closes the window. Once more: the same summary. @throws GcTrackerDisposedError */
  stop(): GcSummary {
    if (this.#summary !== undefined) return this.#summary;
    if (this.#disposed) throw new GcTrackerDisposedError();
    const elapsedMs = this.#clock.now() - this.#startMs;
    const statistics = this.#profiler.stop()?.statistics ?? [];
    const collections = statistics.map(({ gcType, cost, beforeGC, afterGC }) => ({
      kind: KINDS[gcType] ?? 'other',
      pauseMs: cost / US_PER_MS,
      freedBytes: Math.max(0, beforeGC.heapStatistics.usedHeapSize - afterGC.heapStatistics.usedHeapSize),
    }));
    return (this.#summary = summarize(collections, elapsedMs));
  }

  /** Closes the window, where that was not done. */
  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    if (this.#summary === undefined) this.#profiler.stop();
  }
}

/**
 * Watches the collections of this thread: `using gc = trackGc(); …; gc.stop()`. Complete and synchronous, works in worker threads.
 * V8 describes its heap twice for each collection (some 3 KB of text, kept until the end): for windows of thousands of collections,
 * not for the life of a process. Windows may overlap.
 */
export function trackGc(clock: GcClock = performance): GcTracker {
  return new GcTracker(clock);
}

/** What `stop` makes of the collections in a window. @internal */
export function summarize(collections: readonly Collection[], elapsedMs: number): GcSummary {
  const byKind: Partial<Record<GcKind, GcFigures>> = {};
  for (const kind of new Set(collections.map((each) => each.kind)))
    byKind[kind] = figuresOf(collections.filter((each) => each.kind === kind));
  const all = figuresOf(collections);
  const pauses = collections.map(({ pauseMs }) => pauseMs).toSorted((a, b) => a - b);
  return {
    ...all,
    byKind,
    p50PauseMs: percentile(pauses, 0.5),
    p99PauseMs: percentile(pauses, 0.99),
    elapsedMs,
    pauseShare: elapsedMs > 0 ? Math.min(1, all.pauseMs / elapsedMs) : 0,
  };
}

function figuresOf(collections: readonly Collection[]): GcFigures {
  return {
    count: collections.length,
    pauseMs: collections.reduce((sum, { pauseMs }) => sum + pauseMs, 0),
    maxPauseMs: collections.reduce((max, { pauseMs }) => Math.max(max, pauseMs), 0),
    freedBytes: collections.reduce((sum, { freedBytes }) => sum + freedBytes, 0),
  };
}

function percentile(sorted: readonly number[], share: number): number | undefined {
  const at = Math.ceil(sorted.length * share) - 1;
  return sorted.length - 1 - at < SAMPLES_BEYOND ? undefined : sorted[at];
}
