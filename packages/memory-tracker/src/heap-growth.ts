// Bytes that an operation allocates on the JavaScript heap: what a batch of it allocates, minus what a batch of one does, which is what
// measuring itself costs. All of this is synchronous.
import { collect, HeapWindow, SampleSet } from './heap-window.ts';

/** The operation gets the number of its iteration, from 0. */
export type Operation = (iteration: number) => unknown;

export interface HeapGrowth {
  /** Median, at least 0. */
  readonly bytesPerOperation: number;
  /** Samples that the median is of. */
  readonly samples: number;
  /** Operations of each. */
  readonly operations: number;
  /**
   * Collections that ran in them. Where there were none the figure is exact to the byte; where there were, it has what is left unused at the
   * end of pages, too: 2 % where objects have 16 KB, nothing where they are small.
   */
  readonly collections: number;
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

/** @param loop warmed up with this operation */
export function measureGrowth(loop: Loop, operation: Operation, operations: number): HeapGrowth {
  collect('major');
  // Batches of one begin with each iteration in turn: what happens seldom, but in one of them, is not in the median.
  const single = operations === 1 ? sample(loop, nothing, 0) : sample(loop, operation, 1, operations);
  const grown = sample(loop, operation, operations);
  const perOperation = (grown.medianBytes - single.medianBytes) / Math.max(1, operations - 1);
  return {
    bytesPerOperation: Math.max(0, perOperation),
    samples: grown.samples.length,
    operations,
    collections: grown.collections,
  };
}

function nothing(): void {}

/** @param starts batches begin with iterations 0, 1, 2 … below it, in turn */
function sample(loop: Loop, operation: Operation, operations: number, starts = 1): SampleSet {
  const set = new SampleSet();
  while (!set.isComplete) {
    const from = set.size % starts;
    const window = new HeapWindow();
    try {
      loop(operation, from, from + operations);
    } catch (error) {
      window.abandon();
      throw error;
    }
    set.add(window.close());
  }
  return set;
}
