// What is allocated on the JavaScript heap of this thread from one moment to another, whatever is collected meanwhile.
//
// The used heap is exact to the byte, but a collection makes it less. V8's profiler of collections has it before and after each: the growth
// is the sum of what it grew between them.
//
// Tried and rejected: batches that are made smaller until no collection comes between: what seldom allocates much (a table that is grown each
// 2000 operations) is in none of the small ones, and was measured as nothing. V8's own count (`total_allocated_bytes`, Node 26): whole
// allocation buffers, in steps of 256 KB: 10 000 operations of 16 bytes read as 0 or 26 bytes each. A PerformanceObserver reports collections a
// turn of the event loop later, and without the heap.
import { GCProfiler, getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Guessed: an odd number, so that the median is a sample, and a few compilations on the side do not reach it. */
const SAMPLES = 7;
/** Guessed: so many rough samples are taken again before they count. */
const MAX_ROUGH = 3;

export interface HeapSample {
  /** With those that looking takes. */
  readonly bytes: number;
  readonly collections: number;
  /** A collection was one of the whole heap, which goes on sweeping when it is over: what it sweeps is missing. */
  readonly isRough: boolean;
}

/** Open from its making to `close`. */
export class HeapWindow {
  readonly #profiler = new GCProfiler();
  readonly #beforeBytes: number;

  constructor() {
    collect('minor');
    this.#profiler.start();
    this.#beforeBytes = getHeapStatistics().used_heap_size;
  }

  close(): HeapSample {
    const afterBytes = getHeapStatistics().used_heap_size;
    const statistics = this.#profiler.stop()?.statistics ?? [];
    let bytes = afterBytes - this.#beforeBytes;
    for (const { beforeGC, afterGC } of statistics)
      bytes += beforeGC.heapStatistics.usedHeapSize - afterGC.heapStatistics.usedHeapSize;
    const isRough = statistics.some(({ gcType }) => gcType !== 'Scavenge');
    return { bytes, collections: statistics.length, isRough };
  }

  /** Ends it without a figure, where what was measured has thrown. */
  abandon(): void {
    this.#profiler.stop();
  }
}

/** Collects samples until there are enough that are not rough, or so many rough ones that these are what there is. */
export class SampleSet {
  readonly #fine: HeapSample[] = [];
  readonly #rough: HeapSample[] = [];

  get isComplete(): boolean {
    return this.#fine.length === SAMPLES || this.#rough.length === SAMPLES + MAX_ROUGH;
  }

  /** Samples so far. */
  get size(): number {
    return this.#fine.length + this.#rough.length;
  }

  add(sample: HeapSample): void {
    (sample.isRough ? this.#rough : this.#fine).push(sample);
  }

  /** Those that count. */
  get samples(): readonly HeapSample[] {
    return this.#fine.length === SAMPLES ? this.#fine : this.#rough;
  }

  get medianBytes(): number {
    return median(this.samples.map(({ bytes }) => bytes));
  }

  /** In the samples that count. */
  get collections(): number {
    return this.samples.reduce((sum, { collections }) => sum + collections, 0);
  }
}

type Collector = (options: { type: 'minor' | 'major'; execution: 'sync' }) => void;
let collector: Collector | undefined;

/** Works without --expose-gc, in worker threads too: the flag only matters when a context is made. */
export function collect(type: 'minor' | 'major'): void {
  if (collector === undefined) {
    collector = (globalThis as { gc?: Collector }).gc;
    if (collector === undefined) {
      setFlagsFromString('--expose-gc');
      collector = runInNewContext('gc') as Collector;
      setFlagsFromString('--no-expose-gc');
    }
  }
  collector({ type, execution: 'sync' });
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] as number;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] as number)) / 2;
}
