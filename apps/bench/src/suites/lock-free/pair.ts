// A case whose operations two threads do together: what one of them puts in, the other takes out.
import { Contenders } from '../../contention/contenders.ts';
import { entryUrl } from '../../entry-url.ts';
import type { BatchCase, BatchResult, Metric } from '../../suite.ts';
import { Held } from '../state/held.ts';
import type { Work } from './ring-ends.ts';

const THREADS = 2;

interface PairCase {
  readonly name: string;
  readonly role: BatchCase['role'];
  readonly note?: string;
  readonly opsPerBatch?: number;
  /** Makes what the threads share, and says what is wrong with it at the end. */
  readonly make: () => { readonly work: Work; readonly check: (operations: number) => string | undefined };
  /** Are operations done by both together (a value through a ring), or by each of the two (an addition)? */
  readonly together: boolean;
  /** Bytes of an operation: adds `GB/s`. */
  readonly bytes?: number;
}

export function pair(options: PairCase): BatchCase {
  const { make, together, bytes, opsPerBatch = THREADS, ...rest } = options;
  const held = new Held<{ contenders: Contenders; check: (operations: number) => string | undefined }>();
  return {
    ...rest,
    opsPerBatch,
    async setup() {
      const { work, check } = make();
      const contenders = await Contenders.start({
        module: entryUrl('suites/lock-free/ring-ends'),
        contenders: THREADS,
        data: () => work,
      });
      held.set({ contenders, check });
    },
    async batch(operations): Promise<BatchResult> {
      const { contenders } = held.get();
      const result = await contenders.run(together ? THREADS * operations : operations);
      const successful = together ? result.successful / THREADS : result.successful;
      if (bytes === undefined || result.elapsedNs === undefined) return { ...result, successful };
      const rate: Metric = { value: (successful * bytes) / result.elapsedNs, unit: 'GB/s' };
      return { successful, elapsedNs: result.elapsedNs, metrics: { throughput: rate } };
    },
    check: ({ operations }) => held.get().check(operations),
    teardown: () => held.take()?.contenders.stop(),
  };
}
