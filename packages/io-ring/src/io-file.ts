/** A file of a ring: its operations as promises, in full unless the end of the file comes first. */
import fs from 'node:fs';
import { DescriptorUse } from './descriptor-use.ts';
import { errnoName } from './errno.ts';
import { IoArgumentError, OperationError, RingClosedError, RingFullError } from './errors.ts';
import {
  adviseOf,
  allocateOf,
  checkPath,
  readOf,
  readvOf,
  statOf,
  syncOf,
  truncateOf,
  writeOf,
  writevOf,
  type Advice,
  type Allocation,
  type MakeTransfer,
  type MakeVectored,
  type PositionOptions,
  type TransferOptions,
} from './file-operations.ts';
import type { FileStatus } from './file-status.ts';
import { cancelOn, cancelReads, engineOf, runOn, type IoRing, type OperationOptions } from './io-ring.ts';
import { OP } from './layout.ts';
import type { IoMemory } from './loan.ts';
import { Operation } from './operation.ts';
import { checkObject } from './operation-options.ts';
import type { PooledBuffer } from './ports.ts';
import { chunksOf, type ChunkReader } from './stream/chunk-reader.ts';
import type { FileAccess } from './stream/file-transfers.ts';
import { ownBuffersOf } from './stream/own-buffers.ts';
import type { ChunkOptions } from './stream/read-options.ts';
import { readStreamOf, type FileReadStream, type ReadStreamOptions } from './stream/read-stream.ts';
import { writeStreamOf, type FileWriteStream, type WriteStreamOptions } from './stream/write-stream.ts';

const NO_SLOT = -1;
const NO_OPTIONS: TransferOptions = {};

export interface OpenOptions extends OperationOptions {
  /** Permissions of a file that is made, less the umask. Default 0o666. */
  readonly mode?: number;
  /** O_DIRECT: past the page cache. Position, length and address of every transfer must then be multiples of the device's block, mostly 512 or 4096 bytes. */
  readonly direct?: boolean;
}

export type OpenFlags = 'r' | 'r+' | 'w' | 'w+' | 'wx' | 'wx+' | 'a' | 'a+' | 'ax' | 'ax+';

const FLAGS: Record<OpenFlags, number> = {
  r: fs.constants.O_RDONLY,
  'r+': fs.constants.O_RDWR,
  w: fs.constants.O_WRONLY | fs.constants.O_CREAT | fs.constants.O_TRUNC,
  'w+': fs.constants.O_RDWR | fs.constants.O_CREAT | fs.constants.O_TRUNC,
  wx: fs.constants.O_WRONLY | fs.constants.O_CREAT | fs.constants.O_TRUNC | fs.constants.O_EXCL,
  'wx+': fs.constants.O_RDWR | fs.constants.O_CREAT | fs.constants.O_TRUNC | fs.constants.O_EXCL,
  a: fs.constants.O_WRONLY | fs.constants.O_CREAT | fs.constants.O_APPEND,
  'a+': fs.constants.O_RDWR | fs.constants.O_CREAT | fs.constants.O_APPEND,
  ax: fs.constants.O_WRONLY | fs.constants.O_CREAT | fs.constants.O_APPEND | fs.constants.O_EXCL,
  'ax+': fs.constants.O_RDWR | fs.constants.O_CREAT | fs.constants.O_APPEND | fs.constants.O_EXCL,
};
const O_CLOEXEC = 0o2000000;
const MAX_FLAGS = 0x7fffffff;
/** With the type of a file, as its status has it, which the kernel leaves out. */
const MAX_MODE = 0o177777;
const { O_DIRECT = 0 } = fs.constants as { O_DIRECT?: number }; // not everywhere

/** Makes an operation one of a file, for chains. @throws RingClosedError, IoArgumentError where the file is another ring's */
export let bindTo: (file: IoFile, ring: IoRing, operation: Operation) => void;

export class IoFile implements AsyncDisposable {
  static {
    bindTo = (file, ring, operation) => {
      if (file.#ring !== ring)
        throw new IoArgumentError('file', file.path, 'a file of the ring of this chain');
      if (file.#closing !== null) throw new RingClosedError('file');
      file.#bind(operation, file.#slot);
    };
  }

  readonly fd: number;
  readonly path: string;
  /** Opened with O_DIRECT. */
  readonly direct: boolean;
  readonly #ring: IoRing;
  readonly #slot: number;
  readonly #use = new DescriptorUse();
  #closing: Promise<void> | null = null;

  private constructor(ring: IoRing, fd: number, path: string, direct: boolean) {
    this.#ring = ring;
    this.fd = fd;
    this.path = path;
    this.direct = direct;
    this.#slot = engineOf(ring).addFile(fd);
  }

  /** @throws IoArgumentError; rejects with OperationError (`ENOENT`, `EACCES` …) */
  static async open(
    ring: IoRing,
    path: string,
    flags: OpenFlags | number = 'r',
    options: OpenOptions = {},
  ): Promise<IoFile> {
    checkObject(options, '`{ mode, direct }`');
    const { mode = 0o666, direct = false } = options;
    checkPath(path);
    const bits = typeof flags === 'number' ? flags : FLAGS[flags];
    if (!Number.isInteger(bits) || bits < 0 || bits > MAX_FLAGS)
      throw new IoArgumentError(
        'flags',
        flags,
        `a number from 0 to ${MAX_FLAGS} or one of ${Object.keys(FLAGS).join(' ')}`,
      );
    if (!Number.isInteger(mode) || mode < 0 || mode > MAX_MODE)
      throw new IoArgumentError('mode', mode, 'a whole number from 0 to 0o177777');
    if (typeof direct !== 'boolean') throw new IoArgumentError('direct', direct, 'true or false');
    const directBit = direct ? directFlag() : 0;
    const operation = new Operation(OP.openat, 'open');
    operation.path = path;
    operation.flags = bits | directBit | (process.platform === 'linux' ? O_CLOEXEC : 0);
    operation.mode = mode;
    const fd = await runOn(ring, operation, options);
    return new IoFile(ring, fd, path, (operation.flags & O_DIRECT) !== 0);
  }

  /**
   * Fills the memory, or what there is before the end of the file. How many bytes. A lease has the kernel's hands on it until then: its `length`
   * is then what it holds.
   * @throws IoMemoryError, IoArgumentError, errors of the lease; rejects with OperationError (its `transferredBytes` are there), or as `runOn`
   */
  read(memory: IoMemory, options: TransferOptions = NO_OPTIONS): Promise<number> {
    return this.#transfer(readOf, memory, options);
  }

  /** Writes all of a view, or what a lease holds. How many bytes: all of them. Otherwise as `read`. */
  write(memory: IoMemory, options: TransferOptions = NO_OPTIONS): Promise<number> {
    return this.#transfer(writeOf, memory, options);
  }

  /** Fills several memories, one after the other, in one operation. How many bytes: a short one is not continued. At most 256. */
  readv(views: readonly IoMemory[], options: PositionOptions = NO_OPTIONS): Promise<number> {
    return this.#vectored(readvOf, views, options);
  }

  /** Writes several memories in one operation. How many bytes: a short one is not continued. At most 256. */
  writev(views: readonly IoMemory[], options: PositionOptions = NO_OPTIONS): Promise<number> {
    return this.#vectored(writevOf, views, options);
  }

  /**
   * The file, or a part of it, in large pieces, with the next ones on their way: `for await (const { bytes } of file.chunks())`. `bytes` are in a
   * buffer that goes back at the next step, unless the chunk is told to `keep` it. The file stays open.
   * @throws IoArgumentError
   */
  chunks<Kind extends PooledBuffer = PooledBuffer>(options: ChunkOptions<Kind> = {}): ChunkReader<Kind> {
    return chunksOf(this.#access(), options);
  }

  /** As `fs.createReadStream`, of pieces that are copies of pooled buffers. `signal` destroys it. @throws IoArgumentError */
  createReadStream<Kind extends PooledBuffer = PooledBuffer>(
    options: ReadStreamOptions<Kind> = {},
  ): FileReadStream {
    return readStreamOf(this.#access(), options);
  }

  /** As `fs.createWriteStream`. @throws IoArgumentError */
  createWriteStream<Kind extends PooledBuffer = PooledBuffer>(
    options: WriteStreamOptions<Kind> = {},
  ): FileWriteStream {
    return writeStreamOf(this.#access(), options);
  }

  /** What was written is on the device, with what is known of the file; `dataOnly`: without times and the like. */
  async sync({
    dataOnly = false,
    ...options
  }: OperationOptions & { readonly dataOnly?: boolean } = {}): Promise<void> {
    await this.#run(syncOf(dataOnly), options);
  }

  /** Room on the device for a range. `how`: `extend` the file (default), `keepSize`, `punchHole` or `zero` it. `EOPNOTSUPP` on node:fs and where the file system cannot. */
  async allocate(
    position: number,
    lengthBytes: number,
    { how = 'extend', ...options }: OperationOptions & { readonly how?: Allocation } = {},
  ): Promise<void> {
    await this.#run(allocateOf(position, lengthBytes, how), options);
  }

  /** Cuts the file, or extends it by zeros. A thread of node:fs does it before Linux 6.9. */
  async truncate(lengthBytes: number, options: OperationOptions = {}): Promise<void> {
    await this.#run(truncateOf(lengthBytes), options);
  }

  /**
   * What a range is going to be used for (`posix_fadvise`): `willNeed` begins to read it, `dontNeed` drops its pages.
   * @param lengthBytes up to 2^32 - 1; 0 is to the end. Rejects with `EOPNOTSUPP` on node:fs
   */
  async advise(
    position: number,
    lengthBytes: number,
    advice: Advice,
    options: OperationOptions = {},
  ): Promise<void> {
    await this.#run(adviseOf(position, lengthBytes, advice), options);
  }

  async stat(options: OperationOptions = {}): Promise<FileStatus> {
    const operation = statOf();
    await this.#run(operation, options, NO_SLOT); // statx knows no table of files
    return operation.status as FileStatus;
  }

  /**
   * Waits for the operations that are under way or in line, and closes the descriptor. Reads of what is no file, such as a pipe, may wait for ever:
   * they reject with RingClosedError (on node:fs those that a thread has begun must end by themselves). A second call waits for the first.
   */
  async close(): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    if (this.#use.busy && !isFile(this.fd)) cancelReads(this.#ring, this.#use, new RingClosedError('file'));
    await this.#use.idle();
    if (this.#slot !== NO_SLOT) engineOf(this.#ring).removeFile(this.#slot);
    const operation = new Operation(OP.close, 'close');
    operation.fd = this.fd;
    try {
      await runOn(this.#ring, operation);
    } catch (error) {
      if (!(error instanceof RingClosedError || error instanceof RingFullError)) throw error;
      // A descriptor is never left open for want of a ring.
      const result = await engineOf(this.#ring).closeDescriptor(this.fd);
      if (result < 0) throw new OperationError(errnoName(-result), result, 'close');
    }
  }

  #access(): FileAccess {
    return {
      ownBuffers: ownBuffersOf(this.#ring),
      hasRoom: () => engineOf(this.#ring).roomFor(1),
      run: (operation) => this.#run(operation, NO_OPTIONS),
      cancel: (operation, reason) => cancelOn(this.#ring, operation, reason),
      stat: () => this.stat(),
      sync: () => this.sync(),
      close: () => this.close(),
    };
  }

  #transfer(make: MakeTransfer, memory: IoMemory, options: TransferOptions): Promise<number> {
    let operation: Operation;
    try {
      operation = make(memory, options);
    } catch (error) {
      return Promise.reject(error);
    }
    return this.#run(operation, options);
  }

  #vectored(make: MakeVectored, memories: readonly IoMemory[], options: PositionOptions): Promise<number> {
    let operation: Operation;
    try {
      operation = make(memories, options);
    } catch (error) {
      return Promise.reject(error);
    }
    return this.#run(operation, options);
  }

  #run(operation: Operation, options: OperationOptions, slot = this.#slot): Promise<number> {
    if (this.#closing !== null) return Promise.reject(new RingClosedError('file'));
    this.#bind(operation, slot);
    return runOn(this.#ring, operation, options);
  }

  #bind(operation: Operation, slot: number): void {
    operation.fd = this.fd;
    operation.fileSlot = slot;
    operation.file = this;
    operation.use = this.#use;
  }
}

function isFile(fd: number): boolean {
  try {
    return fs.fstatSync(fd).isFile();
  } catch {
    return true; // somebody else has closed it: what is in line fails by itself
  }
}

function directFlag(): number {
  if (O_DIRECT === 0)
    throw new IoArgumentError('direct', true, `false on ${process.platform}, which has no O_DIRECT`);
  return O_DIRECT;
}
