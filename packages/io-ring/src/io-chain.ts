/**
 * Operations that go one after the other without coming back in between: the next begins when the last has succeeded in full, in the kernel
 * (IOSQE_IO_LINK) or, on node:fs, from its callback. A write and the sync behind it are one trip instead of two.
 */
import { ChainRun } from './chain-run.ts';
import { ChainError, IoArgumentError, OperationError } from './errors.ts';
import {
  allocateOf,
  readOf,
  readvOf,
  syncOf,
  writeOf,
  writevOf,
  type Allocation,
  type PositionOptions,
  type TransferOptions,
} from './file-operations.ts';
import { bindTo, type IoFile } from './io-file.ts';
import { engineOf, runOn, type IoRing, type OperationOptions } from './io-ring.ts';
import type { IoMemory } from './loan.ts';
import { bytesOf, type Operation } from './operation.ts';
import { failureOf } from './operation-error.ts';

/** What the addon has room for at once (native/ring.c). */
const MAX_CHAIN_VECTORS = 1024;

interface Step {
  readonly file: IoFile;
  readonly operation: Operation;
}

/** Where a step of a chain reads or writes: `signal` and `timeoutMs` are those of the whole chain. */
export type StepOptions = Omit<TransferOptions, keyof OperationOptions>;

export class IoChain {
  /** Steps at most: the ring takes a chain whole. */
  readonly capacity: number;
  readonly #ring: IoRing;
  #steps: Step[] = [];
  #vectors = 0;

  private constructor(ring: IoRing) {
    this.#ring = ring;
    this.capacity = engineOf(ring).longestChain;
  }

  /** An empty chain for files of this ring. */
  static on(ring: IoRing): IoChain {
    return new IoChain(ring);
  }

  /** Steps of the next run. */
  get size(): number {
    return this.#steps.length;
  }

  /** Adds a read that fills the memory, and answers its index. Short only as the last step. @throws IoArgumentError, IoMemoryError, RingClosedError, errors of the lease */
  read(file: IoFile, memory: IoMemory, options: StepOptions = {}): number {
    return this.#add(file, readOf(memory, options));
  }

  /** Adds a write of a whole view, or of what a lease holds. As `read`. */
  write(file: IoFile, memory: IoMemory, options: StepOptions = {}): number {
    return this.#add(file, writeOf(memory, options));
  }

  /** Adds a read of several memories; at most 256, and 1024 in all steps. As `read`. */
  readv(file: IoFile, views: readonly IoMemory[], options: Pick<PositionOptions, 'position'> = {}): number {
    return this.#addVectored(file, readvOf(views, options));
  }

  /** Adds a write of several memories. As `readv`. */
  writev(file: IoFile, views: readonly IoMemory[], options: Pick<PositionOptions, 'position'> = {}): number {
    return this.#addVectored(file, writevOf(views, options));
  }

  /** Adds an fsync, or with `dataOnly` an fdatasync. */
  sync(file: IoFile, { dataOnly = false }: { readonly dataOnly?: boolean } = {}): number {
    return this.#add(file, syncOf(dataOnly));
  }

  /** Adds what `IoFile.allocate` does. */
  allocate(
    file: IoFile,
    position: number,
    lengthBytes: number,
    { how = 'extend' }: { readonly how?: Allocation } = {},
  ): number {
    return this.#add(file, allocateOf(position, lengthBytes, how));
  }

  /**
   * Runs the steps and leaves the chain empty. Resolves with the result of each, in bytes or 0. Rejects with ChainError where a step failed or
   * fell short; with `signal.reason`, OperationTimeoutError or RingClosedError where the chain was ended early; and with RingFullError. The kernel
   * has let go of all memory by then.
   */
  async run(options: OperationOptions = {}): Promise<readonly number[]> {
    const steps = this.#steps;
    this.#steps = [];
    this.#vectors = 0;
    if (steps.length === 0) return [];
    for (const { file, operation } of steps) bindTo(file, this.#ring, operation); // it may have been closed since
    const operations = steps.map(({ operation }) => operation);
    const run = new ChainRun(operations);
    try {
      await runOn(this.#ring, run.head, options);
    } catch (error) {
      if (error instanceof OperationError) throw errorOf(run, operations);
      throw error;
    }
    if (run.broken >= 0) throw errorOf(run, operations);
    if (run.problem !== undefined) throw run.problem;
    return run.results;
  }

  #addVectored(file: IoFile, operation: Operation): number {
    const vectors = this.#vectors + (operation.vectors?.length ?? 0);
    if (vectors > MAX_CHAIN_VECTORS)
      throw new IoArgumentError('views', vectors, `at most ${MAX_CHAIN_VECTORS} in all steps of a chain`);
    const index = this.#add(file, operation);
    this.#vectors = vectors;
    return index;
  }

  #add(file: IoFile, operation: Operation): number {
    if (this.#steps.length === this.capacity)
      throw new IoArgumentError(
        'size',
        this.#steps.length,
        `less than ${this.capacity}, the longest chain of this ring`,
      );
    bindTo(file, this.#ring, operation);
    return this.#steps.push({ file, operation }) - 1;
  }
}

function errorOf(run: ChainRun, operations: readonly Operation[]): ChainError {
  const step = run.broken;
  const operation = operations[step] as Operation;
  const result = run.results[step] as number;
  const { syscall } = operation;
  const cause = result < 0 ? failureOf(operation, result) : undefined;
  return new ChainError({ step, syscall, results: run.results, bytes: bytesOf(operation) }, cause);
}
