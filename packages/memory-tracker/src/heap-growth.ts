// Bytes that an operation allocates on the JavaScript heap: how much the used heap grows over a batch without a collection in it,
// minus the growth over a batch of one, which is what measuring itself costs.
//
// Tried and rejected: `total_allocated_bytes` (Node 26) survives collections, but counts whole allocation buffers: off by up to
// 500 KB a batch, where the used heap is exact to the byte. A PerformanceObserver for collections reports a turn of the event
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
}

/** A loop of its own for each operation, so that the compiler inlines it: a shared loop would box every float it returns. */
export type Loop = (operation: Operation, operations: number) => void;

/** Part of the source of each loop: V8 shares the feedback of functions made from the same text. */
let loops = 0;

export function newLoop(): Loop {
  // oxlint-disable-next-line typescript/no-implied-eval -- fresh code is the point
  return new Function(
    'operation',
    'operations',
    `for (let i = 0; i < operations; i++) operation(i); // ${loops++}`,
  ) as Loop;
}

/**
 * @param loop warmed up with this operation
 * @throws AllocationUnmeasurableError where even a single operation causes a collection every time
 */
export function measureGrowth(loop: Loop, operation: Operation, operations: number): HeapGrowth {
  collect('major');
  const base = median(sample(loop, operation, 1));
  for (let wanted = operations; ; wanted = Math.ceil(wanted / 8)) {
    const grown = sample(loop, operation, wanted);
    if (grown.length < SAMPLES && wanted > 1) continue;
    // A batch of one is its own base; the smallest one measured says what measuring costs.
    const perOperation =
      wanted === 1 ? median(grown) - measuringBytes(loop) : (median(grown) - base) / (wanted - 1);
    return { bytesPerOperation: Math.max(0, perOperation), samples: grown.length, operations: wanted };
  }
}

/** Bytes that a sample of nothing grows by. */
function measuringBytes(loop: Loop): number {
  return median(sample(loop, nothing, 0));
}

function nothing(): void {}

/** Growth in bytes of SAMPLES batches without a collection, or of fewer where most batches had one. */
function sample(loop: Loop, operation: Operation, operations: number): number[] {
  const grown: number[] = [];
  let disturbed = 0;
  while (grown.length < SAMPLES && disturbed - grown.length < MAX_DISTURBED) {
    collect('minor');
    const profiler = new GCProfiler();
    profiler.start();
    const before = getHeapStatistics().used_heap_size;
    loop(operation, operations);
    const after = getHeapStatistics().used_heap_size;
    const collections = profiler.stop()?.statistics.length ?? 0;
    if (collections === 0) grown.push(after - before);
    else disturbed++;
  }
  if (grown.length === 0 && operations <= 1) throw new AllocationUnmeasurableError(disturbed);
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
