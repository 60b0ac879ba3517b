// Ways to read the first `bytes` of a file, one after the other. In each, a pass counts when its bytes are those of the file, as far as they are looked at.
import { closeSync, createReadStream, openSync, promises, readSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { BufferPool } from '@corelane/buffer-pool';
import { IoFile, type ChunkOptions } from '@corelane/io-ring';
import { Arena } from '@corelane/shared-memory';
import { BLOCK_BYTES, allocate } from './blocks.ts';
import { requireRing } from './require-ring.ts';
import type { OpenTask, Task, TaskOptions } from './task.ts';

const MEBIBYTE = 1 << 20;
/** One word of so many bytes is looked at. */
export const STEP_BYTES = 64 << 10;

/** The bytes of a pass as they come. */
class Pass {
  readonly #bytes: number;
  #position = 0;
  #right = 0;

  constructor(bytes: number) {
    this.#bytes = bytes;
  }

  take(bytes: Uint8Array): void {
    const start = this.#position;
    const end = start + bytes.length;
    const first = Math.ceil(start / STEP_BYTES) * STEP_BYTES;
    for (let at = first; at + 4 <= end; at += STEP_BYTES) {
      const index = at - start;
      const word =
        (bytes[index] ?? 0) |
        ((bytes[index + 1] ?? 0) << 8) |
        ((bytes[index + 2] ?? 0) << 16) |
        ((bytes[index + 3] ?? 0) << 24);
      if (word === at / BLOCK_BYTES) this.#right++;
    }
    this.#position = end;
  }

  /** Whether it was all of it. */
  end(): boolean {
    return this.#position === this.#bytes && this.#right === this.#bytes / STEP_BYTES;
  }
}

/** Passes one after the other. */
function passing(bytes: number, read: (pass: Pass) => Promise<void>, close: Task['close'] = () => {}): Task {
  return {
    async run(operations) {
      let successful = 0;
      for (let operation = 0; operation < operations; operation++) {
        const pass = new Pass(bytes);
        await read(pass);
        if (pass.end()) successful++;
      }
      return successful;
    },
    close,
  };
}

/** By events, which cost less than an asynchronous loop. */
function drain(stream: Readable, pass: Pass): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  stream.on('data', (bytes: Buffer) => pass.take(bytes));
  stream.once('error', reject);
  stream.once('close', () => resolve());
  return promise;
}

function openChunks(options: () => ChunkOptions): OpenTask {
  return async ({ path, bytes }) => {
    const ring = requireRing();
    const file = await IoFile.open(ring, path);
    const chosen = { ...options(), end: bytes - 1 };
    return passing(
      bytes,
      async (pass) => {
        for await (const chunk of file.chunks(chosen)) pass.take(chunk.bytes);
      },
      async () => {
        await file.close();
        await ring.close();
      },
    );
  };
}

function largeBuffers(): ChunkOptions {
  const buffers = 4;
  const arena = Arena.create({ bytes: (buffers + 1) * MEBIBYTE });
  return { pool: BufferPool.create(arena, { buffers, bufferBytes: MEBIBYTE }), readAhead: buffers - 1 };
}

/** Opened and closed for each pass, as the streams of node:fs. */
function openRingStream({ path, bytes }: TaskOptions): Task {
  const ring = requireRing();
  return passing(
    bytes,
    async (pass) => drain((await IoFile.open(ring, path)).createReadStream({ end: bytes - 1 }), pass),
    () => ring.close(),
  );
}

function openStream(options: { highWaterMark?: number }): OpenTask {
  return ({ path, bytes }) =>
    passing(bytes, (pass) => drain(createReadStream(path, { ...options, end: bytes - 1 }), pass));
}

async function openHandle({ path, bytes }: TaskOptions): Promise<Task> {
  const handle = await promises.open(path);
  const buffer = allocate(MEBIBYTE);
  return passing(
    bytes,
    async (pass) => {
      for (let at = 0; at < bytes; at += MEBIBYTE) {
        const { bytesRead } = await handle.read(buffer, 0, MEBIBYTE, at);
        pass.take(buffer.subarray(0, bytesRead));
      }
    },
    () => handle.close(),
  );
}

function openSynchronous({ path, bytes }: TaskOptions): Task {
  const fd = openSync(path, 'r');
  const buffer = allocate(MEBIBYTE);
  return {
    run(operations) {
      let successful = 0;
      for (let operation = 0; operation < operations; operation++) {
        const pass = new Pass(bytes);
        for (let at = 0; at < bytes; at += MEBIBYTE)
          pass.take(buffer.subarray(0, readSync(fd, buffer, 0, MEBIBYTE, at)));
        if (pass.end()) successful++;
      }
      return successful;
    },
    close: () => closeSync(fd),
  };
}

export const PASSES = {
  chunks: openChunks(() => ({})),
  'chunks-large': openChunks(largeBuffers),
  'ring-stream': openRingStream,
  stream: openStream({}),
  'stream-large': openStream({ highWaterMark: MEBIBYTE }),
  handle: openHandle,
  'pass-sync': openSynchronous,
} satisfies Record<string, OpenTask>;
