// The task that the scheduler's threads run: looks at a body where it lies, in its pooled buffer. Only three numbers travel to it, and
// a number and a name back.
import { workerData } from 'node:worker_threads';
import { CompressionGuard } from '@corelane/atomic-state';
import { BufferPool, type BufferPoolHandle } from '@corelane/buffer-pool';
import { Registry, type RegistryHandle } from '@corelane/perf-counters';
import { collectDefaults, type Sources } from '@corelane/perf-counters/sources';
import { defineTasks } from '@corelane/scheduler';
import { Arena } from '@corelane/shared-memory';
import { checkBody, type BodyLimits } from './checks/check-body.ts';
import { ENCODINGS } from './checks/encoding.ts';
import { encodeVerdict } from './checks/verdict-code.ts';
import { entryUrl } from './entry.ts';
import { GuardBook } from './gateway/guard-book.ts';

/** `workerData` of the scheduler's threads. */
export interface CheckWorkerData {
  readonly pool: BufferPoolHandle;
  readonly registry: RegistryHandle;
  readonly limits: BodyLimits;
  /** Fault injection: the body of this number is looked at for ever; 0: none. */
  readonly stuckEvery: number;
}

/** Token of the lease, bytes in its buffer, index in ENCODINGS or -1. */
export type CheckArguments = readonly [token: number, length: number, encoding: number];

/** Between two readings of what the thread has used. */
const SAMPLE_MS = 5000;

/** What a thread needs, made when it is given its first body. */
class Checker {
  readonly #pool: BufferPool;
  readonly #book: GuardBook;
  readonly #guard: CompressionGuard;
  readonly #maxDepth: number;
  /**
   * What changes only while the thread works, read after checks: it blocks when it has none, so that timers of its own would be late, and its
   * event loop would look so.
   */
  readonly #sources: Sources;
  #sampledMs = performance.now();

  constructor({ pool, registry, limits }: CheckWorkerData) {
    const arena = Arena.attach(pool.arena);
    this.#pool = BufferPool.attach(pool, arena);
    const attached = Registry.attach(registry, arena);
    this.#book = new GuardBook(attached);
    this.#sources = collectDefaults(attached, {
      processWide: false,
      intervalMs: Infinity,
      sources: ['gc', 'heap', 'heapSpaces', 'threadCpu', 'threadResources'],
    });
    this.#guard = new CompressionGuard(limits.inflate);
    this.#maxDepth = limits.maxDepth;
  }

  async check([token, length, encoding]: CheckArguments): Promise<number | string> {
    // Fails where the lease has ended: the HTTP worker that asked is dead.
    const bytes = this.#pool.open(token).bytes.subarray(0, length);
    const checked = await checkBody(bytes, ENCODINGS[encoding], this.#guard, this.#maxDepth);
    this.#book.enter(checked.inspection);
    const nowMs = performance.now();
    if (nowMs - this.#sampledMs >= SAMPLE_MS) {
      this.#sampledMs = nowMs;
      await this.#sources.sample();
    }
    return encodeVerdict(checked.verdict);
  }
}

let checker: Checker | undefined;
let given = 0;

async function check(args: CheckArguments): Promise<number | string> {
  const data = workerData as CheckWorkerData;
  given++;
  // A handler that never yields: nothing but the end of its thread stops it. Early for the first time, so that a short run sees one.
  while (data.stuckEvery > 0 && given % data.stuckEvery === data.stuckEvery >> 3);
  checker ??= new Checker(data);
  return await checker.check(args);
}

// Named by its entry, not by the file that the build puts this code into.
export const checkTasks = defineTasks(entryUrl('check-task'), { check });
