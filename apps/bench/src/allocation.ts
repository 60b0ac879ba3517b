// Bytes of JS heap that an operation allocates: growth of the used heap over a hot batch without a collection in between, minus
// the growth over the smallest batch, which is what the measuring and the call of a batch allocate themselves. Runs in a process whose young generation is larger than any sample.
import { PerformanceObserver } from 'node:perf_hooks';
import { setImmediate } from 'node:timers/promises';
import { getHeapStatistics } from 'node:v8';
import { min } from 'simple-statistics';
import { nowNs } from './clock.ts';
import { collectAll } from './collect.ts';
import { CaseError } from './errors.ts';

/** Flags of the measuring process: 64 MB for the young generation, so that a sample of 16 MB never starts a collection. */
export const ALLOCATION_FLAGS: readonly string[] = ['--min-semi-space-size=64', '--max-semi-space-size=64'];

const SAMPLES = 7;
const MAX_SAMPLE_BYTES = 16 * 1024 * 1024;
const MAX_OPERATIONS = 200_000;
const MAX_SAMPLE_NS = 200e6;

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
 * @returns bytes per operation, one figure a sample
 */
export async function measureAllocation(
  name: string,
  step: number,
  batch: Batch,
): Promise<readonly number[]> {
  using collections = new CollectionCount();
  const base: number[] = [];
  for (let attempt = 0; base.length < SAMPLES && attempt < 3 * SAMPLES; attempt++) {
    const bytes = await growth(batch, step, collections);
    if (bytes !== null) base.push(bytes);
  }
  // The least, for whatever else the heap takes on the side only adds: so an operation's figure errs upwards.
  const baseBytes = base.length === 0 ? 0 : min(base);

  let operations = Math.max(2, Math.ceil(100 / step)) * step;
  while (operations < MAX_OPERATIONS) {
    const start = nowNs();
    const bytes = await growth(batch, operations * 2, collections);
    if (bytes === null || bytes * 2 > MAX_SAMPLE_BYTES || (nowNs() - start) * 2 > MAX_SAMPLE_NS) break;
    operations *= 2;
  }

  const samples: number[] = [];
  for (let attempt = 0; samples.length < SAMPLES && attempt < 3 * SAMPLES; attempt++) {
    const bytes = await growth(batch, operations, collections);
    if (bytes === null) continue;
    const perOperation = (bytes - baseBytes) / (operations - step);
    samples.push(Math.max(0, Math.round(perOperation * PARTS_OF_A_BYTE)) / PARTS_OF_A_BYTE);
  }
  if (samples.length < SAMPLES)
    throw new CaseError(
      name,
      `allocation: ${samples.length} of ${SAMPLES} batches of ${operations} operations ran without a collection`,
    );
  return samples;
}
