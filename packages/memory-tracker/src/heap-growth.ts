// Bytes that an operation allocates on the JavaScript heap: how much the used heap grows over a batch without a collection in it,
// minus the growth over a batch of one, which is what measuring itself costs.
//
// Where every single operation causes a collection there is no such batch. Then, on Node 26, V8's own count of what was ever allocated
// (`total_allocated_bytes`) says it. It survives collections, but it counts whole allocation buffers: in steps of 256 KB, measured, so it
// is off by as much a batch, where the used heap is exact to the byte. What collects by itself has allocated megabytes.
//
// Tried and rejected: that counter for everything: 10 000 operations of 16 bytes read as 0 or 26 bytes each. A PerformanceObserver for collections reports a turn of the event
// loop later; GCProfiler answers at once, so all of this is synchronous.
import { GCProfiler, getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { AllocationUnmeasurableError } from './errors.ts';

/** The operation gets the number of its iteration, from 0. */
export type Operation = (iteration: number) => unknown;

/** Guessed: an odd number, so that the median is a sample, and a few compilations on the side do not reach it. */
const SAMPLES = 7;
/** Guessed: so many disturbed batches more than good ones, and the next size is tried. */
const MAX_DISTURBED = 3;

export interface HeapGrowth {
  /** Median, at least 0. */
  readonly bytesPerOperation: number;
  /** Samples without a collection that the median is of. */
  readonly samples: number;
  /** Operations of each: fewer than asked for where more would have caused a collection. */
  readonly operations: number;
  /**
   * `heap`: growth of the used heap, exact to the byte. `counter`: V8's count of allocated bytes, in steps of 256 KB, for operations that
   * collect garbage each time (Node 26).
   */
  readonly method: 'heap' | 'counter';
}

/** Iterations `from` to below `to`. A loop of its own for each operation, so that the compiler inlines it: a shared loop would box every float it returns. */
export type Loop = (operation: Operation, from: number, to: number) => void;

/** Part of the source of each loop: V8 shares the feedback of functions made from the same text. */
let loops = 0;

export function newLoop(): Loop {
  // oxlint-disable-next-line typescript/no-implied-eval -- fresh code is the point
  return new Function(
    'operation',
    'from',
    'to',
    `for (let i = from; i < to; i++) operation(i); // ${loops++}`,
  ) as Loop;
}

/**
 * @param loop warmed up with this operation
 * @throws AllocationUnmeasurableError where even a single operation causes a collection every time, and V8 has no count (before Node 26)
 */
export function measureGrowth(loop: Loop, operation: Operation, operations: number): HeapGrowth {
  collect('major');
  const single = sample(loop, operation, 1, operations);
  if (single.length === 0) return countAllocated(loop, operation);
  const base = median(single);
  for (let wanted = operations; ; wanted = Math.ceil(wanted / 8)) {
    const grown = sample(loop, operation, wanted);
    if (grown.length < SAMPLES && wanted > 1) continue;
    if (grown.length === 0) return countAllocated(loop, operation);
    // A batch of one is its own base; the smallest one measured says what measuring costs.
    const perOperation =
      wanted === 1 ? median(grown) - measuringBytes(loop) : (median(grown) - base) / (wanted - 1);
    return {
      bytesPerOperation: Math.max(0, perOperation),
      samples: grown.length,
      operations: wanted,
      method: 'heap',
    };
  }
}

/** @throws AllocationUnmeasurableError where V8 has no such count */
function countAllocated(loop: Loop, operation: Operation): HeapGrowth {
  const counted: number[] = [];
  for (let batch = 0; batch < SAMPLES; batch++) {
    collect('minor'); // closes the allocation buffer: what is in it is counted
    const before = allocatedBytes();
    loop(nothing, 0, 1);
    collect('minor');
    const between = allocatedBytes();
    loop(operation, 0, 1);
    collect('minor');
    counted.push(allocatedBytes() - between - (between - before));
  }
  const bytesPerOperation = Math.max(0, median(counted));
  return { bytesPerOperation, samples: SAMPLES, operations: 1, method: 'counter' };
}

function allocatedBytes(): number {
  const { total_allocated_bytes: bytes } = getHeapStatistics() as { total_allocated_bytes?: number };
  if (bytes === undefined) throw new AllocationUnmeasurableError(SAMPLES);
  return bytes;
}

/** Bytes that a sample of nothing grows by. */
function measuringBytes(loop: Loop): number {
  return median(sample(loop, nothing, 0));
}

function nothing(): void {}

/**
 * Growth in bytes of SAMPLES batches without a collection, or of fewer where most batches had one.
 * @param starts batches begin with iterations 0, 1, 2 … below it, in turn: what happens seldom, but in one of them, is not in the median
 */
function sample(loop: Loop, operation: Operation, operations: number, starts = 1): number[] {
  const grown: number[] = [];
  let disturbed = 0;
  while (grown.length < SAMPLES && disturbed - grown.length < MAX_DISTURBED) {
    collect('minor');
    const from = (grown.length + disturbed) % starts;
    const profiler = new GCProfiler();
    profiler.start();
    const before = getHeapStatistics().used_heap_size;
    loop(operation, from, from + operations);
    const after = getHeapStatistics().used_heap_size;
    const collections = profiler.stop()?.statistics.length ?? 0;
    if (collections === 0) grown.push(after - before);
    else disturbed++;
  }
  return grown;
}

type Collector = (options: { type: 'minor' | 'major'; execution: 'sync' }) => void;
let collector: Collector | undefined;

/** Works without --expose-gc, in worker threads too: the flag only matters when a context is made. */
function collect(type: 'minor' | 'major'): void {
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
