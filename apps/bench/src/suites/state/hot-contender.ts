// What each thread of the twin's groups does: in the way that the control word says, so that one set of threads serves all cases.
import type { RecordableHistogram } from 'node:perf_hooks';
import { HotEndpoint, type HotEndpointHandle, type JsWay, type Way } from './hot-endpoint.ts';

interface HotWorkBase {
  readonly endpoint: HotEndpointHandle;
  /** One word: the index of the way to go. Written before a batch begins. */
  readonly control: Int32Array;
}

export type HotWork = HotWorkBase &
  (
    | { readonly ways: readonly Way[]; readonly histogram?: never }
    /** Latencies of this thread alone, in nanoseconds. */
    | { readonly ways: readonly JsWay[]; readonly histogram: RecordableHistogram }
  );

/** The index that stands for the clock alone: two reads, and nothing between. */
export const CLOCK_ONLY = -1;

/** One operation in so many is timed: the others keep the contention what it is. */
export const SAMPLED_EVERY = 8;

const NS_PER_MS = 1e6;

export function createContender(work: HotWork): (operations: number) => number {
  const endpoint = HotEndpoint.attach(work.endpoint);
  const { control } = work;
  const loops =
    work.histogram === undefined
      ? work.ways.map((way) => endpoint.loop(way))
      : work.ways.map((way) => timed(endpoint.single(way), work.histogram));
  const nothing = work.histogram && timed(() => true, work.histogram);
  return (operations) => {
    const index = Atomics.load(control, 0); // observe: pairs with the store in HotThreads.run
    const run = index === CLOCK_ONLY ? nothing : loops[index];
    if (run === undefined) throw new Error(`no way ${index} of ${loops.length}`);
    return run(operations);
  };
}

function timed(once: () => boolean, histogram: RecordableHistogram): (operations: number) => number {
  return (operations) => {
    let successful = 0;
    for (let operation = 0; operation < operations; operation++) {
      if (operation % SAMPLED_EVERY !== 0) {
        if (once()) successful++;
        continue;
      }
      const startMs = performance.now();
      const counted = once();
      const ns = Math.round((performance.now() - startMs) * NS_PER_MS);
      if (counted) successful++;
      histogram.record(Math.max(1, ns));
    }
    return successful;
  };
}
