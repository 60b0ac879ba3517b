/** What the operations of a file ask of the kernel, from checked arguments: the same whether one goes alone or is a step of a chain. */
import { IoArgumentError } from './errors.ts';
import { STATX_MASK } from './file-status.ts';
import type { OperationOptions } from './io-ring.ts';
import { CURRENT_POSITION, OP, SYMLINK_NOFOLLOW } from './layout.ts';
import { setMemory, setVectors, type Direction, type IoMemory, type MemoryRange } from './loan.ts';
import { Operation } from './operation.ts';
import { checkObject } from './operation-options.ts';

/** Vectors of one operation. */
export const MAX_VECTORS = 256;
/** IORING_FSYNC_DATASYNC. */
const DATA_ONLY = 1;
/** FALLOC_FL_*. */
const ALLOCATE = { extend: 0, keepSize: 1, punchHole: 2 | 1, zero: 16 } as const;
/** POSIX_FADV_*. */
const ADVICE = { normal: 0, random: 1, sequential: 2, willNeed: 3, dontNeed: 4, noReuse: 5 } as const;
const MAX_ADVISED_BYTES = 2 ** 32 - 1;

/** How `allocate` makes room. */
export type Allocation = keyof typeof ALLOCATE;
/** What a range will be used for. */
export type Advice = keyof typeof ADVICE;

export interface PositionOptions extends OperationOptions {
  /** Byte position in the file. Without it, where the descriptor is: then one operation at a time, as with `read(2)`. */
  readonly position?: number | undefined;
}

/** `offset` and `length`: which bytes of the memory, all by default; of a lease that is written, those up to its `length`. */
export interface TransferOptions extends PositionOptions, MemoryRange {}

/** A transfer of one memory. @throws IoArgumentError, IoMemoryError, errors of the lease */
export type MakeTransfer = (memory: IoMemory, options: TransferOptions) => Operation;
/** A transfer of several. @throws as `MakeTransfer` */
export type MakeVectored = (memories: readonly IoMemory[], options: PositionOptions) => Operation;

export const readOf: MakeTransfer = (memory, options) =>
  transfer(new Operation(OP.read, 'read'), memory, 'fill', options);

export const writeOf: MakeTransfer = (memory, options) =>
  transfer(new Operation(OP.write, 'write'), memory, 'drain', options);

export const readvOf: MakeVectored = (memories, options) =>
  vectored(new Operation(OP.readv, 'readv'), memories, 'fill', options);

export const writevOf: MakeVectored = (memories, options) =>
  vectored(new Operation(OP.writev, 'writev'), memories, 'drain', options);

export function syncOf(dataOnly: boolean): Operation {
  const operation = new Operation(OP.fsync, 'fsync');
  operation.flags = dataOnly ? DATA_ONLY : 0;
  return operation;
}

export function allocateOf(position: number, lengthBytes: number, how: Allocation): Operation {
  checkPosition('position', position);
  checkPosition('lengthBytes', lengthBytes);
  checkName('how', how, ALLOCATE);
  const operation = new Operation(OP.fallocate, 'fallocate');
  operation.position = position;
  operation.lengthBytes = lengthBytes;
  operation.mode = ALLOCATE[how];
  return operation;
}

export function truncateOf(lengthBytes: number): Operation {
  checkPosition('lengthBytes', lengthBytes);
  const operation = new Operation(OP.ftruncate, 'ftruncate');
  operation.position = lengthBytes;
  return operation;
}

export function adviseOf(position: number, lengthBytes: number, advice: Advice): Operation {
  checkPosition('position', position);
  if (
    typeof lengthBytes !== 'number' ||
    !Number.isInteger(lengthBytes) ||
    lengthBytes < 0 ||
    lengthBytes > MAX_ADVISED_BYTES
  )
    throw new IoArgumentError('lengthBytes', lengthBytes, `a whole number from 0 to ${MAX_ADVISED_BYTES}`);
  checkName('advice', advice, ADVICE);
  const operation = new Operation(OP.fadvise, 'fadvise');
  operation.position = position;
  operation.lengthBytes = lengthBytes;
  operation.flags = ADVICE[advice];
  return operation;
}

/** Of a path, or with an empty one of the descriptor that is set later. */
export function statOf(path = '', followLinks = true): Operation {
  const operation = new Operation(OP.statx, 'statx');
  operation.path = path;
  operation.mode = STATX_MASK;
  operation.flags = followLinks ? 0 : SYMLINK_NOFOLLOW;
  return operation;
}

/** What a path must be for the kernel. @throws IoArgumentError */
export function checkPath(path: unknown): asserts path is string {
  if (typeof path !== 'string' || path === '' || path.includes('\0') || Buffer.byteLength(path) > 4095)
    throw new IoArgumentError('path', path, 'a path of 1 to 4095 bytes without NUL');
}

function transfer(
  operation: Operation,
  memory: IoMemory,
  direction: Direction,
  options: TransferOptions,
): Operation {
  setMemory(operation, memory, direction, options);
  operation.position = positionOf(options);
  operation.inFull = true;
  return operation;
}

function vectored(
  operation: Operation,
  memories: readonly IoMemory[],
  direction: Direction,
  options: PositionOptions,
): Operation {
  const views = Array.isArray(memories) ? [...memories] : []; // once: a list may answer anything the next time
  if (views.length === 0 || views.length > MAX_VECTORS)
    throw new IoArgumentError(
      'views.length',
      (memories as { length?: unknown } | null)?.length,
      `1 to ${MAX_VECTORS}`,
    );
  checkObject(options, '`{ position }`');
  setVectors(operation, views, direction);
  operation.position = positionOf(options);
  return operation;
}

function positionOf({ position }: PositionOptions): number {
  if (position === undefined) return CURRENT_POSITION;
  checkPosition('position', position);
  return position;
}

function checkPosition(name: string, found: unknown): void {
  if (typeof found !== 'number' || !Number.isSafeInteger(found) || found < 0)
    throw new IoArgumentError(name, found, 'a whole number from 0 to 2^53 - 1');
}

function checkName(name: string, found: unknown, known: object): void {
  if (typeof found !== 'string' || !Object.hasOwn(known, found))
    throw new IoArgumentError(name, found, `one of ${Object.keys(known).join(', ')}`);
}
