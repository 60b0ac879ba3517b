/**
 * A `Writable` of a file. What comes while a write is under way is gathered in pooled buffers, so that many small pieces make one large write; what is
 * written is copied, and so need not be on shared memory.
 */
import { addAbortSignal, Writable } from 'node:stream';
import { callbackify } from 'node:util';
import { CURRENT_POSITION } from '../layout.ts';
import { checkSignal } from '../operation-options.ts';
import type { BufferSource, PooledBuffer } from '../ports.ts';
import { FileTransfers, type FileAccess, type PendingTransfer } from './file-transfers.ts';
import { checkPool, checkWhole } from './read-options.ts';

/** As those of `fs.createWriteStream`. */
export interface WriteStreamOptions<Kind extends PooledBuffer = PooledBuffer> {
  /** Where the buffers come from; by default they are the ring's own, of 512 KiB. */
  readonly pool?: BufferSource<Kind>;
  /** The first byte. By default where the descriptor is: of a file opened with `a` its end. */
  readonly start?: number;
  /** Bytes that wait before `write` answers false: those of a buffer by default. */
  readonly highWaterMark?: number;
  /** Have it on the device before `finish`. Default false. */
  readonly flush?: boolean;
  /** Close the file when the stream has finished or was destroyed. Default true. */
  readonly autoClose?: boolean;
  /** Destroys the stream, with an `AbortError`. */
  readonly signal?: AbortSignal | undefined;
}

interface Target {
  readonly transfers: FileTransfers;
  readonly pool: BufferSource;
  readonly start: number | undefined;
  readonly highWaterMark: number;
  readonly signal: AbortSignal | undefined;
  flush(): Promise<void>;
  /** Called once when nothing is under way any more. */
  close(): Promise<void>;
}

/** @throws IoArgumentError */
export function writeStreamOf(file: FileAccess, options: WriteStreamOptions): FileWriteStream {
  const { pool = file.ownBuffers, start, autoClose = true, flush = false, signal } = options;
  checkSignal(signal);
  checkPool(pool);
  const { highWaterMark = pool.bufferBytes } = options;
  if (start !== undefined) checkWhole('start', start, 0, Number.MAX_SAFE_INTEGER);
  checkWhole('highWaterMark', highWaterMark, 0, Number.MAX_SAFE_INTEGER);
  return new FileWriteStream({
    transfers: new FileTransfers(file),
    pool,
    start,
    highWaterMark,
    signal,
    flush: async () => (flush ? file.sync() : undefined),
    close: async () => (autoClose ? file.close() : undefined),
  });
}

type Done = (error?: Error | null) => void;

export class FileWriteStream extends Writable {
  bytesWritten = 0;
  readonly #target: Target;
  #position: number;
  #pending: PendingTransfer | null = null;
  /** Ends the wait for a buffer. */
  readonly #waiting = new AbortController();
  #working: Promise<void> = Promise.resolve();

  constructor(target: Target) {
    const { highWaterMark, signal, start = CURRENT_POSITION } = target;
    super({ highWaterMark });
    this.#target = target;
    this.#position = start;
    // Not by `super`: one that was aborted destroys at once, when there is nothing to close yet.
    if (signal !== undefined) addAbortSignal(signal, this);
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Done): void {
    this.#work(this.#put([chunk]), done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: Done): void {
    this.#work(this.#put(chunks.map(({ chunk }) => chunk)), done);
  }

  override _final(done: Done): void {
    this.#work(this.#target.flush(), done);
  }

  override _destroy(error: Error | null, callback: Done): void {
    this.#waiting.abort();
    this.#pending?.cancel(error);
    const end = callbackify(async () => {
      await this.#working;
      await this.#target.close();
    });
    end((problem) => callback(error ?? problem));
  }

  #work(work: Promise<void>, done: Done): void {
    this.#working = work.catch(() => undefined);
    callbackify(() => work)(done);
  }

  async #put(pieces: readonly Uint8Array[]): Promise<void> {
    let buffer: PooledBuffer | null = null;
    try {
      for (const piece of pieces)
        for (let at = 0; at < piece.byteLength;) {
          // eslint-disable-next-line no-await-in-loop -- one write after the other: they have one position
          buffer ??= await this.#acquire();
          const part = piece.subarray(at, at + buffer.capacity - buffer.length);
          buffer.bytes.set(part, buffer.length);
          buffer.length += part.byteLength;
          at += part.byteLength;
          if (buffer.length < buffer.capacity) continue;
          // eslint-disable-next-line no-await-in-loop
          await this.#flush(buffer);
        }
      if (buffer !== null && buffer.length > 0) await this.#flush(buffer);
    } finally {
      buffer?.[Symbol.dispose]();
    }
  }

  async #acquire(): Promise<PooledBuffer> {
    const { pool } = this.#target;
    const { signal } = this.#waiting;
    signal.throwIfAborted();
    const buffer = pool.tryAcquire() ?? (await pool.acquire({ signal }));
    buffer.length = 0;
    return buffer;
  }

  async #flush(buffer: PooledBuffer): Promise<void> {
    this.#waiting.signal.throwIfAborted();
    this.#pending = this.#target.transfers.write(buffer, this.#position);
    const bytes = await this.#pending.bytes.finally(() => {
      this.#pending = null;
    });
    this.bytesWritten += bytes;
    if (this.#position !== CURRENT_POSITION) this.#position += bytes;
    buffer.length = 0;
  }
}
