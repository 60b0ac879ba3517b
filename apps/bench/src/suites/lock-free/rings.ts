// Rings between two threads: blocks against ringbuf.js, frames against frames built on it.
import { FramedRing, SpscRing } from '@corelane/lock-free';
import { Arena } from '@corelane/shared-memory';
import { RingBuffer } from 'ringbuf.js';
import type { BatchCase, BatchGroup } from '../../suite.ts';
import { pair } from './pair.ts';

/** Of both sides, in words; ringbuf.js keeps one place free, so it gets one more than it uses. */
const RING_WORDS = 1 << 16;
const RING_BYTES = 1 << 19;
const FRAME_BYTES = 256;

const left = (size: number): string | undefined => (size === 0 ? undefined : `${size} left, expected 0`);

function ours(block: number): BatchCase {
  return pair({
    name: `SpscRing, blocks of ${block}`,
    role: 'ours',
    opsPerBatch: block,
    together: true,
    bytes: 4,
    make: () => {
      const ring = SpscRing.create(Arena.create({ bytes: 1 << 20 }), { capacity: RING_WORDS });
      return { work: { kind: 'spsc', handle: ring.handle, block }, check: () => left(ring.size) };
    },
  });
}

function ringbuf(block: number): BatchCase {
  return pair({
    name: `ringbuf.js, blocks of ${block}`,
    role: 'peer',
    opsPerBatch: block,
    together: true,
    bytes: 4,
    make: () => {
      const buffer = RingBuffer.getStorageForCapacity(RING_WORDS, Int32Array);
      const ring = new RingBuffer(buffer, Int32Array);
      return { work: { kind: 'ringbuf', buffer, block }, check: () => left(ring.availableRead()) };
    },
  });
}

/** What copying costs where nothing is shared between threads: in and out of one array on one thread. */
function copies(block: number): BatchCase {
  const from = Int32Array.from({ length: block }, (_, i) => i);
  const to = new Int32Array(block);
  const ring = new Int32Array(RING_WORDS);
  return {
    name: `copied in and out on one thread, ${block}`,
    role: 'limit',
    opsPerBatch: block,
    batch(operations) {
      let right = 0;
      for (let moved = 0; moved < operations; moved += block) {
        const at = moved & (RING_WORDS - 1);
        ring.set(from, at);
        for (let i = 0; i < block; i++) to[i] = ring[at + i] as number;
        if (to[block - 1] === block - 1) right += block;
      }
      return right;
    },
    check: () => undefined,
  };
}

function blocks(block: number): BatchGroup {
  return {
    kind: 'batch',
    name: `spsc-${block}`,
    title: `Words in blocks of ${block} from one thread to another`,
    note: 'One operation is one word. Both ends try again at once where the ring is full or empty, and rest for 50 µs after 20 000 tries in vain.',
    cases: [ours(block), ringbuf(block), copies(block)],
    claims: [{ of: `ringbuf.js, blocks of ${block}`, against: `SpscRing, blocks of ${block}`, atLeast: 1 }],
  };
}

export const spscBlocks: readonly BatchGroup[] = [blocks(16), blocks(128), blocks(1024)];

function frames(name: string, bytes: number, copyOut: boolean): BatchCase {
  return pair({
    name,
    role: 'ours',
    together: true,
    bytes,
    make: () => {
      const ring = FramedRing.create(Arena.create({ bytes: 1 << 20 }), { capacityBytes: RING_BYTES });
      return {
        work: { kind: 'frames', handle: ring.handle, bytes, copyOut },
        check: () => left(ring.usedBytes),
      };
    },
  });
}

function prefixed(bytes: number): BatchCase {
  return pair({
    name: 'ringbuf.js, length before payload',
    role: 'peer',
    note: 'one producer only, lengths are not checked, copied in and out',
    together: true,
    bytes,
    make: () => {
      const buffer = RingBuffer.getStorageForCapacity(RING_BYTES, Uint8Array);
      const ring = new RingBuffer(buffer, Uint8Array);
      return { work: { kind: 'prefixed', buffer, bytes }, check: () => left(ring.availableRead()) };
    },
  });
}

function fixed(bytes: number): BatchCase {
  return pair({
    name: 'SpscRing of bytes, one length for all',
    role: 'limit',
    note: 'no frames: one producer only, nothing checked',
    together: true,
    bytes,
    make: () => {
      const ring = SpscRing.create(Arena.create({ bytes: 1 << 20 }), { capacity: RING_BYTES, element: 'u8' });
      return { work: { kind: 'fixed', handle: ring.handle, bytes }, check: () => left(ring.size) };
    },
  });
}

const IN_PLACE = 'FramedRing, copied in, read in place';

function framed(bytes: number, claims: BatchGroup['claims']): BatchGroup {
  return {
    kind: 'batch',
    name: `frames-${bytes}`,
    title: `Frames of ${bytes} bytes from one thread to another, every header checked`,
    note: 'One operation is one frame. Both ends try again at once where the ring is full or empty, and rest for 50 µs after 20 000 tries in vain.',
    cases: [
      frames(IN_PLACE, bytes, false),
      frames('FramedRing, copied in and out', bytes, true),
      prefixed(bytes),
      fixed(bytes),
    ],
    ...(claims === undefined ? {} : { claims }),
  };
}

export const framedRings: readonly BatchGroup[] = [
  framed(FRAME_BYTES, [{ of: IN_PLACE, metric: 'throughput', atLeast: 1 }]),
  framed(16, undefined),
];
