// What each thread of the cases with two threads does: contender 0 writes or adds, contender 1 reads or adds, too.
import { FRAME_FULL, FramedRing, RING_FULL, SpscRing, StripedCounter } from '@corelane/lock-free';
import type { FramedRingHandle, SpscRingHandle, StripedCounterHandle } from '@corelane/lock-free';
import { RingBuffer } from 'ringbuf.js';

export type Work =
  | { readonly kind: 'spsc'; readonly handle: SpscRingHandle; readonly block: number }
  | { readonly kind: 'ringbuf'; readonly buffer: SharedArrayBuffer; readonly block: number }
  | {
      readonly kind: 'frames';
      readonly handle: FramedRingHandle;
      readonly bytes: number;
      readonly copyOut: boolean;
    }
  | { readonly kind: 'prefixed'; readonly buffer: SharedArrayBuffer; readonly bytes: number }
  | { readonly kind: 'fixed'; readonly handle: SpscRingHandle; readonly bytes: number }
  | { readonly kind: 'striped'; readonly handle: StripedCounterHandle }
  | { readonly kind: 'word'; readonly words: Int32Array };

/** Full or empty for so long, the other end is not running: on a machine with other work it would not while this one spins. Guessed. */
const MAX_WAIT_TRIES = 20_000;
const REST_MS = 0.05;
const silent = new Int32Array(new SharedArrayBuffer(4));
let tries = 0;

/** In vain, once more without a success between: both sides alike, and never while both ends run. */
function refused(): void {
  if (++tries % MAX_WAIT_TRIES === 0) Atomics.wait(silent, 0, 0, REST_MS);
}

/** `write` and `read` move a part of a block and say how much. */
interface Ends {
  readonly write: (block: Int32Array, offset: number) => number;
  readonly read: (block: Int32Array) => number;
}

/** Values 0 to block - 1, again and again: each read is looked at where it begins and ends. */
function blocks(block: number, index: number, { write, read }: Ends): (operations: number) => number {
  const values = Int32Array.from({ length: block }, (_, i) => i);
  let position = 0;
  if (index === 0)
    return (operations) => {
      for (let moved = 0; moved < operations;) {
        const count = write(values, position);
        if (count === 0) refused();
        else tries = 0;
        moved += count;
        position = (position + count) % block;
      }
      return operations;
    };
  return (operations) => {
    let right = 0;
    for (let moved = 0; moved < operations;) {
      const count = read(values);
      if (count === 0) {
        refused();
        continue;
      }
      tries = 0;
      const last = (position + count - 1) % block;
      if (values[0] === position && values[count - 1] === last) right += count;
      moved += count;
      position = (position + count) % block;
    }
    return right;
  };
}

function spsc(work: Extract<Work, { kind: 'spsc' }>, index: number): (operations: number) => number {
  const ring = SpscRing.attach(work.handle) as SpscRing<'i32'>;
  const end = index === 0 ? ring.producer() : undefined;
  const other = index === 0 ? undefined : ring.consumer();
  return blocks(work.block, index, {
    write: (block, offset) => end?.write(block, offset) ?? 0,
    read: (block) => other?.read(block) ?? 0,
  });
}

function ringbuf(work: Extract<Work, { kind: 'ringbuf' }>, index: number): (operations: number) => number {
  const ring = new RingBuffer(work.buffer, Int32Array);
  return blocks(work.block, index, {
    write: (block, offset) => ring.push(block, block.length - offset, offset),
    read: (block) => ring.pop(block),
  });
}

/** First and last byte of frame `n`. */
const markOf = (n: number): number => n & 255;

function mark(bytes: Uint8Array, n: number): void {
  bytes[0] = markOf(n);
  bytes[bytes.length - 1] = markOf(n);
}

function frames(work: Extract<Work, { kind: 'frames' }>, index: number): (operations: number) => number {
  const ring = FramedRing.attach(work.handle);
  const payload = new Uint8Array(work.bytes);
  let n = 0;
  if (index === 0) {
    const producer = ring.producer();
    return (operations) => {
      for (const end = n + operations; n < end;) {
        mark(payload, n);
        while (producer.tryWrite(payload) === FRAME_FULL) refused();
        tries = 0;
        n++;
      }
      return operations;
    };
  }
  const consumer = ring.consumer();
  let right = 0;
  const look = (bytes: Uint8Array, at: number, length: number): void => {
    if (bytes[at] === markOf(n) && bytes[at + length - 1] === markOf(n) && length === work.bytes) right++;
    n++;
  };
  const take = (most: number): number => {
    if (!work.copyOut) return consumer.drain(look, most);
    const length = consumer.readInto(payload);
    if (length < 0) return 0;
    look(payload, 0, length);
    return 1;
  };
  return (operations) => {
    right = 0;
    for (let read = 0; read < operations;) {
      const count = take(operations - read);
      read += count;
      if (count === 0) refused();
      else tries = 0;
    }
    return right;
  };
}

/** A length of four bytes, then the payload, through the same ring of bytes: what one builds from ringbuf.js. */
function prefixed(work: Extract<Work, { kind: 'prefixed' }>, index: number): (operations: number) => number {
  const ring = new RingBuffer(work.buffer, Uint8Array);
  const frame = new Uint8Array(4 + work.bytes);
  const lengthWord = new Uint32Array(1);
  const lengthBytes = new Uint8Array(lengthWord.buffer);
  const payload = frame.subarray(4);
  let n = 0;
  if (index === 0) {
    lengthWord[0] = work.bytes;
    frame.set(lengthBytes);
    return (operations) => {
      for (const end = n + operations; n < end; n++) {
        mark(payload, n);
        while (ring.availableWrite() < frame.length) refused();
        tries = 0;
        ring.push(frame);
      }
      return operations;
    };
  }
  return (operations) => {
    let right = 0;
    for (const end = n + operations; n < end; n++) {
      while (ring.availableRead() < 4) refused();
      tries = 0;
      ring.pop(lengthBytes);
      const length = lengthWord[0] as number;
      ring.pop(payload, length);
      if (payload[0] === markOf(n) && payload[length - 1] === markOf(n)) right++;
    }
    return right;
  };
}

/** Payloads of one length without frames around them. */
function fixed(work: Extract<Work, { kind: 'fixed' }>, index: number): (operations: number) => number {
  const ring = SpscRing.attach(work.handle) as SpscRing<'u8'>;
  const payload = new Uint8Array(work.bytes);
  let n = 0;
  if (index === 0) {
    const producer = ring.producer();
    return (operations) => {
      for (const end = n + operations; n < end; n++) {
        mark(payload, n);
        while (producer.tryWrite(payload) === RING_FULL) refused();
        tries = 0;
      }
      return operations;
    };
  }
  const consumer = ring.consumer();
  return (operations) => {
    let right = 0;
    for (const end = n + operations; n < end; n++) {
      while (consumer.read(payload) === 0) refused();
      tries = 0;
      if (payload[0] === markOf(n) && payload[work.bytes - 1] === markOf(n)) right++;
    }
    return right;
  };
}

export function createContender(work: Work, index: number): (operations: number) => number {
  switch (work.kind) {
    case 'spsc':
      return spsc(work, index);
    case 'ringbuf':
      return ringbuf(work, index);
    case 'frames':
      return frames(work, index);
    case 'prefixed':
      return prefixed(work, index);
    case 'fixed':
      return fixed(work, index);
    case 'striped': {
      const counter = StripedCounter.attach(work.handle);
      return (operations) => {
        for (let operation = 0; operation < operations; operation++) counter.add(1);
        return operations;
      };
    }
    case 'word':
      return (operations) => {
        for (let operation = 0; operation < operations; operation++) Atomics.add(work.words, 0, 1);
        return operations;
      };
  }
}
