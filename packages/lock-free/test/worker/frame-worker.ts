// Producers write frames whose bytes tell producer, number and place; the consumer checks each byte.
import { parentPort, threadId, workerData } from 'node:worker_threads';
import { FRAME_FULL, FRAME_READ, FramedRing, type FramedRingHandle } from '../../src/index.ts';
import { arrive, yieldCore, type Station } from '../../../../tools/testing/crew.ts';

export interface FrameStation {
  readonly handle: FramedRingHandle;
  readonly role: 'producer' | 'consumer';
  readonly producers: number;
  /** Frames of each producer. */
  readonly count: number;
  /** Bytes of a frame at most, beyond the 8 of its head. */
  readonly most: number;
  /** Word `id`: the thread id of that producer. */
  readonly threads: Int32Array;
}

export interface FrameReport {
  readonly role: FrameStation['role'];
  readonly done: number;
  /** Full or empty. */
  readonly refused: number;
  readonly wrong: readonly string[];
}

const HEAD_BYTES = 8;
const { handle, role, producers, count, most, threads, id, control } = workerData as FrameStation & Station;
const ring = FramedRing.attach(handle);
const lengthOf = (producer: number, n: number): number =>
  HEAD_BYTES + (((n * 37 + producer * 11) % (most + 1)) | 0);
const byteOf = (producer: number, n: number, i: number): number => (producer * 67 + n * 13 + i * 5) & 255;
const wrong: string[] = [];
let done = 0;
let refused = 0;

function refuse(): void {
  if (++refused % 64 === 0) yieldCore(control);
}

function produce(): void {
  threads[id] = threadId;
  using producer = ring.producer();
  const copy = new Uint8Array(HEAD_BYTES + most);
  const fill = (bytes: Uint8Array, at: number, length: number): void => {
    bytes[at] = id;
    for (let i = 0; i < 4; i++) bytes[at + 1 + i] = done >>> (8 * i);
    for (let i = HEAD_BYTES; i < length; i++) bytes[at + i] = byteOf(id, done, i);
  };
  for (let attempt = 0; done < count; attempt++) {
    const length = lengthOf(id, done);
    if (attempt % 3 === 0) {
      fill(copy, 0, length);
      if (producer.tryWrite(copy, 0, length) === FRAME_FULL) refuse();
      else done++;
      continue;
    }
    const at = producer.tryClaim(length);
    if (at === FRAME_FULL) {
      refuse();
      continue;
    }
    fill(producer.bytes, at, length);
    if (attempt % 7 === 0) producer.abort();
    else {
      producer.commit();
      done++;
    }
  }
}

function consume(): void {
  using consumer = ring.consumer();
  const next = new Int32Array(producers);
  const check = (bytes: Uint8Array, at: number, length: number): void => {
    const from = bytes[at] as number;
    let n = 0;
    for (let i = 3; i >= 0; i--) n = n * 256 + (bytes[at + 1 + i] as number);
    if (n !== next[from] || length !== lengthOf(from, n)) {
      if (wrong.length < 5)
        wrong.push(`frame ${n} of ${from}, ${length} bytes, expected frame ${next[from]}`);
      return;
    }
    next[from] = n + 1;
    for (let i = HEAD_BYTES; i < length; i++)
      if (bytes[at + i] !== byteOf(from, n, i)) {
        if (wrong.length < 5) wrong.push(`byte ${i} of frame ${n} of ${from} is ${bytes[at + i]}`);
        return;
      }
  };
  for (let attempt = 0; done < producers * count; attempt++) {
    const read =
      attempt % 2 === 0
        ? consumer.drain(check, 1 + (attempt % 50))
        : Number(consumer.tryRead(check) === FRAME_READ);
    done += read;
    if (read === 0) refuse();
  }
}

arrive({ id, control });
if (role === 'producer') produce();
else consume();
parentPort?.postMessage({ role, done, refused, wrong } satisfies FrameReport);
