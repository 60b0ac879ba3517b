export { copy, type CopyOptions, type CopyProgress, type CopyResult, type CopyWay } from './copy.ts';
export type { Backend, Registration } from './engine.ts';
export {
  ChainError,
  IoArgumentError,
  IoMemoryError,
  IoRingError,
  OperationError,
  OperationTimeoutError,
  RingClosedError,
  RingFullError,
  SocketBusyError,
} from './errors.ts';
export type { Advice, Allocation, PositionOptions, TransferOptions } from './file-operations.ts';
export type { FileStatus } from './file-status.ts';
export { IoBatch, type IoBatchOptions } from './io-batch.ts';
export { IoChain, type StepOptions } from './io-chain.ts';
export { IoFile, type OpenFlags, type OpenOptions } from './io-file.ts';
export type { ConnectOptions } from './socket/connect.ts';
export { TcpListener, type ListenOptions } from './socket/tcp-listener.ts';
export { TcpSocket, type RecvOptions, type SendOptions } from './socket/tcp-socket.ts';
export type { Endpoint } from './socket/endpoint.ts';
export { IoRing, type IoRingOptions, type IoRingStats, type OperationOptions } from './io-ring.ts';
export type { IoMemory, MemoryRange } from './loan.ts';
export type { BufferSource, LeasedBuffer, PooledBuffer } from './ports.ts';
export { stat } from './stat.ts';
export type { Chunk } from './stream/chunk.ts';
export type { ChunkReader } from './stream/chunk-reader.ts';
export type { ChunkOptions } from './stream/read-options.ts';
export type { FileReadStream, ReadStreamOptions } from './stream/read-stream.ts';
export type { FileWriteStream, WriteStreamOptions } from './stream/write-stream.ts';
