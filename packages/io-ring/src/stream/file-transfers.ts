/** Reads and writes of a file on pooled buffers that can be cancelled without a signal each, for streams. */
import type { FileStatus } from '../file-status.ts';
import { CURRENT_POSITION, OP } from '../layout.ts';
import { setMemory } from '../loan.ts';
import { Operation } from '../operation.ts';
import type { BufferSource, PooledBuffer } from '../ports.ts';

/** One transfer under way. */
export interface PendingTransfer {
  /** Resolves with the bytes, or rejects. */
  readonly bytes: Promise<number>;
  /** Asks for its end: it rejects with `reason` unless it was too late. */
  cancel(reason: unknown): void;
}

/** What a file lets its streams do. */
export interface FileAccess {
  /** Buffers of the ring, for who is given no pool. */
  readonly ownBuffers: BufferSource;
  /** Whether the ring would start an operation at once. */
  hasRoom(): boolean;
  run(operation: Operation): Promise<number>;
  cancel(operation: Operation, reason: unknown): void;
  stat(): Promise<FileStatus>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

export class FileTransfers {
  readonly #file: FileAccess;

  constructor(file: FileAccess) {
    this.#file = file;
  }

  /**
   * Fills `lengthBytes` of a buffer, or what there is before the end of the file; from the current position: with what there is.
   * @param offload a thread of the kernel copies, not this one
   */
  read(buffer: PooledBuffer, position: number, lengthBytes: number, offload: boolean): PendingTransfer {
    const operation = new Operation(OP.read, 'read');
    setMemory(operation, buffer, 'fill', { length: lengthBytes });
    operation.inFull = position !== CURRENT_POSITION;
    operation.offload = offload;
    return this.#start(operation, position);
  }

  /** Writes what a buffer holds, in full. */
  write(buffer: PooledBuffer, position: number): PendingTransfer {
    const operation = new Operation(OP.write, 'write');
    setMemory(operation, buffer, 'drain');
    operation.inFull = true;
    return this.#start(operation, position);
  }

  #start(operation: Operation, position: number): PendingTransfer {
    operation.position = position;
    return {
      bytes: this.#file.run(operation),
      cancel: (reason) => this.#file.cancel(operation, reason),
    };
  }
}
