export type { Backend, Registration } from './engine.ts';
export {
  IoArgumentError,
  IoMemoryError,
  IoRingError,
  OperationError,
  OperationTimeoutError,
  RingClosedError,
  RingFullError,
} from './errors.ts';
export type { FileStatus } from './file-status.ts';
export { IoBatch, type IoBatchOptions } from './io-batch.ts';
export {
  IoFile,
  type OpenFlags,
  type OpenOptions,
  type PositionOptions,
  type TransferOptions,
} from './io-file.ts';
export { IoRing, type IoRingOptions, type IoRingStats, type OperationOptions } from './io-ring.ts';
export type { IoMemory, MemoryRange } from './loan.ts';
export type { BufferSource, LeasedBuffer, PooledBuffer } from './ports.ts';
