// Bytes of JS heap that an operation allocates: growth of the used heap over a hot batch without a collection in between, minus
// the growth over a shorter one, divided by the operations that it has more. What a batch costs once cancels out: the measuring
// itself, the call, and code that the compiler makes anew because the collection before has dropped it (some 50 KB, seen).
// Runs in a process whose young generation is larger than any sample.
import { PerformanceObserver } from 'node:perf_hooks';
import { setImmediate } from 'node:timers/promises';
import { getHeapStatistics } from 'node:v8';
import { nowNs } from './clock.ts';
import { collectAll } from './collect.ts';
import { CaseError } from './errors.ts';

/** Flags of the measuring process: 64 MB for the young generation, so that a sample of 16 MB never starts a collection. */
export const ALLOCATION_FLAGS: readonly string[] = ['--min-semi-space-size=64', '--max-semi-space-size=64'];

const SAMPLES = 7;

/** Operations of the long batch by those of the short one. */
const LONG = 4;
const MAX_SAMPLE_BYTES = 16 * 1024 * 1024;
const MAX_OPERATIONS = 200_000;
const MAX_SAMPLE_NS = 200e6;
/** Of a quick run, whose figures are no evidence: of operations that take long it measures fewer. */
const QUICK_SAMPLE_NS = 25e6;

/** Figures are rounded to 0.01 bytes, for the compiler allocates on the side. Hides one object of 16 bytes in 3200 operations. */
const PARTS_OF_A_BYTE = 100;

type Batch = (operations: number) => Promise<unknown>;

class CollectionCount {
  #count = 0;
  readonly #observer = new PerformanceObserver((list) => {
    this.#count += list.getEntries().length;
  });

  constructor() {
    this.#observer.observe({ entryTypes: ['gc'] });
  }

  /** Collections until now; entries arrive a turn of the event loop later. */
  async read(): Promise<number> {
    await setImmediate();
    await setImmediate();
    return this.#count;
  }

  [Symbol.dispose](): void {
    this.#observer.disconnect();
  }
}

/** Growth of the used heap over one batch, or null where a collection ran meanwhile. */
async function growth(
  batch: Batch,
  operations: number,
  collections: CollectionCount,
): Promise<number | null> {
  collectAll();
  const before = await collections.read();
  const usedBefore = getHeapStatistics().used_heap_size;
  await batch(operations);
  const usedAfter = getHeapStatistics().used_heap_size;
  return (await collections.read()) === before ? usedAfter - usedBefore : null;
}

/**
 * @param step the batch's operations are a multiple of this
 * @param batch hot already
 * @param quick whether no figure of it is evidence
 * @returns bytes per operation, one figure a pair of batches
 */
export async function measureAllocation(
  name: string,
  step: number,
  batch: Batch,
  quick: boolean,
): Promise<readonly number[]> {
  const mostNs = quick ? QUICK_SAMPLE_NS : MAX_SAMPLE_NS;
  using collections = new CollectionCount();
  let short = Math.ceil(50 / step) * step;
  while (short * LONG < MAX_OPERATIONS) {
    const start = nowNs();
    const bytes = await growth(batch, 2 * LONG * short, collections);
    if (bytes === null || bytes * 2 > MAX_SAMPLE_BYTES || (nowNs() - start) * 2 > mostNs) break;
    short *= 2;
  }
  const long = LONG * short;
  const samples: number[] = [];
  for (let attempt = 0; samples.length < SAMPLES && attempt < 3 * SAMPLES; attempt++) {
    const shortBytes = await growth(batch, short, collections);
    const longBytes = await growth(batch, long, collections);
    if (shortBytes === null || longBytes === null) continue;
    const perOperation = (longBytes - shortBytes) / (long - short);
    samples.push(Math.max(0, Math.round(perOperation * PARTS_OF_A_BYTE)) / PARTS_OF_A_BYTE);
  }
  if (samples.length < SAMPLES)
    throw new CaseError(
      name,
      `allocation: ${samples.length} of ${SAMPLES} batches of ${long} operations ran without a collection`,
    );
  return samples;
}
