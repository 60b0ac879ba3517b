/** A file of a ring: its operations as promises, in full unless the end of the file comes first. */
import fs from 'node:fs';
import type { FileStatus } from './file-status.ts';
import { STATX_MASK } from './file-status.ts';
import { IoArgumentError, OperationError, RingClosedError } from './errors.ts';
import type { IoRing, OperationOptions } from './io-ring.ts';
import { CURRENT_POSITION, OP } from './layout.ts';
import { Operation } from './operation.ts';
import { checkMemory } from './regions.ts';
import { MAX_VECTORS } from './ring-engine.ts';

/** IORING_FSYNC_DATASYNC. */
const DATA_ONLY = 1;
/** FALLOC_FL_*. */
const KEEP_SIZE = 1;
const PUNCH_HOLE = 2;
const ZERO_RANGE = 16;

export interface TransferOptions extends OperationOptions {
  /** Byte position in the file. Without it, where the descriptor is: then one operation at a time, as with `read(2)`. */
  readonly position?: number | undefined;
}

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

export class IoFile implements AsyncDisposable {
  readonly fd: number;
  readonly path: string;
  readonly #ring: IoRing;
  readonly #slot: number;
  #closing: Promise<void> | null = null;

  private constructor(ring: IoRing, fd: number, path: string) {
    this.#ring = ring;
    this.fd = fd;
    this.path = path;
    this.#slot = ring.engine.addFile(fd);
  }

  /** @throws IoArgumentError; rejects with OperationError (`ENOENT`, `EACCES` …) */
  static async open(
    ring: IoRing,
    path: string,
    flags: OpenFlags | number = 'r',
    options: OpenOptions = {},
  ): Promise<IoFile> {
    const { mode = 0o666, direct = false } = options;
    if (typeof path !== 'string' || path === '' || path.includes('\0') || Buffer.byteLength(path) > 4095)
      throw new IoArgumentError('path', path, 'a path of 1 to 4095 bytes without NUL');
    const bits = typeof flags === 'number' ? flags : FLAGS[flags];
    if (bits === undefined || !Number.isInteger(bits))
      throw new IoArgumentError('flags', flags, `a number or one of ${Object.keys(FLAGS).join(' ')}`);
    const directBit = direct ? directFlag() : 0;
    const fd = await ring.run(
      (complete) => {
        const operation = new Operation(OP.openat, complete);
        operation.path = path;
        operation.flags = bits | directBit | (process.platform === 'linux' ? O_CLOEXEC : 0);
        operation.mode = mode;
        return operation;
      },
      'open',
      options,
    );
    return new IoFile(ring, fd, path);
  }

  /**
   * Fills `view`, or what there is before the end of the file. How many bytes.
   * @throws IoMemoryError, IoArgumentError; rejects with OperationError (its `transferredBytes` are in `view`), or as `ring.run`
   */
  async read(view: Uint8Array, options: TransferOptions = {}): Promise<number> {
    return this.#transfer(OP.read, 'read', view, options);
  }

  /** Writes all of `view`. How many bytes: its length. Otherwise as `read`. */
  async write(view: Uint8Array, options: TransferOptions = {}): Promise<number> {
    return this.#transfer(OP.write, 'write', view, options);
  }

  /** Fills several views, one after the other, in one operation. How many bytes: a short one is not continued. At most 256 views. */
  async readv(views: readonly Uint8Array[], options: TransferOptions = {}): Promise<number> {
    return this.#vectored(OP.readv, 'readv', views, options);
  }

  /** Writes several views in one operation. How many bytes: a short one is not continued. At most 256 views. */
  async writev(views: readonly Uint8Array[], options: TransferOptions = {}): Promise<number> {
    return this.#vectored(OP.writev, 'writev', views, options);
  }

  /** What was written is on the device, with what is known of the file; `dataOnly`: without times and the like. */
  async sync({
    dataOnly = false,
    ...options
  }: OperationOptions & { readonly dataOnly?: boolean } = {}): Promise<void> {
    await this.#run(OP.fsync, 'fsync', options, (operation) => {
      operation.flags = dataOnly ? DATA_ONLY : 0;
    });
  }

  /** Room on the device for a range. `how`: `extend` the file (default), `keepSize`, `punchHole` or `zero` it. `EOPNOTSUPP` on node:fs and where the file system cannot. */
  async allocate(
    position: number,
    lengthBytes: number,
    {
      how = 'extend',
      ...options
    }: OperationOptions & { readonly how?: 'extend' | 'keepSize' | 'punchHole' | 'zero' } = {},
  ): Promise<void> {
    checkPosition('position', position);
    checkPosition('lengthBytes', lengthBytes);
    const mode = { extend: 0, keepSize: KEEP_SIZE, punchHole: PUNCH_HOLE | KEEP_SIZE, zero: ZERO_RANGE }[how];
    if (mode === undefined) throw new IoArgumentError('how', how, 'extend, keepSize, punchHole or zero');
    await this.#run(OP.fallocate, 'fallocate', options, (operation) => {
      operation.position = position;
      operation.lengthBytes = lengthBytes;
      operation.mode = mode;
    });
  }

  async stat(options: OperationOptions = {}): Promise<FileStatus> {
    let statx: Operation | undefined;
    await this.#run(OP.statx, 'statx', options, (operation) => {
      operation.fd = this.fd;
      operation.fileSlot = -1; // statx knows no table of files
      operation.mode = STATX_MASK;
      statx = operation;
    });
    return statx?.status as FileStatus;
  }

  /** Closes the descriptor once what is in flight on it has completed. A second call waits for the first. */
  async close(): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    if (this.#slot >= 0) this.#ring.engine.removeFile(this.#slot);
    await this.#ring.run((complete) => {
      const operation = new Operation(OP.close, complete);
      operation.fd = this.fd;
      return operation;
    }, 'close');
  }

  async #transfer(
    opcode: typeof OP.read | typeof OP.write,
    syscall: string,
    view: Uint8Array,
    options: TransferOptions,
  ): Promise<number> {
    checkMemory(view, 'view');
    const { position } = options;
    if (position !== undefined) checkPosition('position', position);
    let done = 0;
    while (true) {
      const rest = done === 0 ? view : view.subarray(done);
      let step: number;
      try {
        // In turn: a short one is continued where it ended.
        // eslint-disable-next-line no-await-in-loop
        step = await this.#run(opcode, syscall, options, (operation) => {
          operation.view = rest;
          operation.position = position === undefined ? CURRENT_POSITION : position + done;
        });
      } catch (error) {
        if (done > 0 && error instanceof OperationError)
          throw new OperationError(error.code, error.errno, syscall, {
            path: this.path,
            transferredBytes: done,
          });
        throw error;
      }
      done += step;
      if (done === view.byteLength || step === 0) return done;
    }
  }

  async #vectored(
    opcode: typeof OP.readv | typeof OP.writev,
    syscall: string,
    views: readonly Uint8Array[],
    options: TransferOptions,
  ): Promise<number> {
    if (views.length === 0 || views.length > MAX_VECTORS)
      throw new IoArgumentError('views.length', views.length, `1 to ${MAX_VECTORS}`);
    for (const [index, view] of views.entries()) checkMemory(view, `views[${index}]`);
    const { position } = options;
    if (position !== undefined) checkPosition('position', position);
    return this.#run(opcode, syscall, options, (operation) => {
      operation.vectors = [...views];
      operation.position = position ?? CURRENT_POSITION;
    });
  }

  async #run(
    opcode: Operation['opcode'],
    syscall: string,
    options: OperationOptions,
    fill: (operation: Operation) => void,
  ): Promise<number> {
    if (this.#closing !== null) throw new RingClosedError('file');
    return this.#ring.run(
      (complete) => {
        const operation = new Operation(opcode, complete);
        operation.fd = this.fd;
        operation.fileSlot = this.#slot;
        fill(operation);
        return operation;
      },
      syscall,
      options,
    );
  }
}

function directFlag(): number {
  const { O_DIRECT } = fs.constants as { O_DIRECT?: number };
  if (O_DIRECT === undefined)
    throw new IoArgumentError('direct', true, `false on ${process.platform}, which has no O_DIRECT`);
  return O_DIRECT;
}

function checkPosition(name: string, found: unknown): void {
  if (typeof found !== 'number' || !Number.isSafeInteger(found) || found < 0)
    throw new IoArgumentError(name, found, 'a whole number from 0 to 2^53 - 1');
}
