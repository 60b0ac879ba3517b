/**
 * A `Readable` of a file. Its pieces are copies: who reads a stream may keep what it gets, and nobody says when it is done with it. Who can work on the
 * pooled buffers themselves is faster with `chunks`.
 */
import { addAbortSignal, Readable } from 'node:stream';
import { callbackify } from 'node:util';
import { checkSignal } from '../operation-options.ts';
import type { PooledBuffer } from '../ports.ts';
import type { Chunk } from './chunk.ts';
import { ChunkReader } from './chunk-reader.ts';
import type { FileAccess } from './file-transfers.ts';
import { checkPool, checkWhole, planRead, type ChunkOptions } from './read-options.ts';

/** As those of `fs.createReadStream`; `highWaterMark` is the bytes of a piece, by default those of the pool's buffers, which no piece exceeds. */
export interface ReadStreamOptions<Kind extends PooledBuffer = PooledBuffer> extends Omit<
  ChunkOptions<Kind>,
  'chunkBytes'
> {
  readonly highWaterMark?: number;
  /** Pieces are strings. */
  readonly encoding?: BufferEncoding;
  /** Close the file when the stream has ended or was destroyed. Default true. */
  readonly autoClose?: boolean;
}

interface Source {
  readonly reader: ChunkReader;
  readonly highWaterMark: number;
  readonly encoding: BufferEncoding | undefined;
  readonly signal: AbortSignal | undefined;
  /** Called once when nothing is under way any more. */
  close(): Promise<void>;
}

/** @throws IoArgumentError */
export function readStreamOf(file: FileAccess, options: ReadStreamOptions): FileReadStream {
  const { highWaterMark, encoding, autoClose = true, signal } = options;
  checkSignal(signal);
  const { pool = file.ownBuffers } = options;
  checkPool(pool);
  if (highWaterMark !== undefined) checkWhole('highWaterMark', highWaterMark, 1, Number.MAX_SAFE_INTEGER);
  // As large as a buffer at most; the stream gathers more of them.
  const chunkBytes = Math.min(highWaterMark ?? pool.bufferBytes, pool.bufferBytes);
  const plan = planRead({ ...options, signal: undefined, chunkBytes }, pool);
  return new FileReadStream({
    reader: new ChunkReader(file, plan),
    highWaterMark: highWaterMark ?? plan.chunkBytes,
    encoding,
    signal,
    close: async () => (autoClose ? file.close() : undefined),
  });
}

export class FileReadStream extends Readable {
  /** Of what was read so far. */
  bytesRead = 0;
  readonly #source: Source;

  constructor(source: Source) {
    const { highWaterMark, encoding, signal } = source;
    super({ highWaterMark, ...(encoding && { encoding }) });
    this.#source = source;
    // Not by `super`: one that was aborted destroys at once, when there is nothing to close yet.
    if (signal !== undefined) addAbortSignal(signal, this);
  }

  override _read(): void {
    void this.#pull();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    const end = callbackify(async () => {
      await this.#source.reader.return();
      await this.#source.close();
    });
    end((problem) => callback(error ?? problem));
  }

  async #pull(): Promise<void> {
    try {
      const { done, value } = await this.#source.reader.next();
      this.push(done === true ? null : this.#copy(value));
    } catch (error) {
      this.destroy(error as Error);
    }
  }

  #copy(chunk: Chunk): Buffer {
    this.bytesRead += chunk.length;
    const copy = Buffer.allocUnsafeSlow(chunk.length);
    copy.set(chunk.bytes);
    return copy;
  }
}
