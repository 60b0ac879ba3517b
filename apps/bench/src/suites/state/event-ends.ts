// What each thread of the events cases does: contender 0 puts events in, contender 1 takes them out and looks at each.
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { EventBuffer, type EventBufferHandle, EventRecord } from '@corelane/atomic-state';
import { FRAME_FULL, FramedRing, type FramedRingHandle } from '@corelane/lock-free';
import { AtomicsEvents, type AtomicsEventsHandle } from './atomics-events.ts';

export type Work =
  | {
      readonly kind: 'single' | 'list' | 'packed';
      readonly handle: EventBufferHandle;
      readonly batch: number;
    }
  | { readonly kind: 'atomics'; readonly handle: AtomicsEventsHandle }
  | { readonly kind: 'frames'; readonly handle: FramedRingHandle }
  | { readonly kind: 'port'; readonly port: MessagePort; readonly batch: number };

export const EVENT_BYTES = 64;

/** Full or empty for so long, the other end is not running, or has just begun: then there is more to do at once after a rest. Guessed. */
const MAX_WAIT_TRIES = 1000;
const REST_MS = 0.05;
const silent = new Int32Array(new SharedArrayBuffer(4));
let tries = 0;

function refused(): void {
  if (++tries % MAX_WAIT_TRIES === 0) Atomics.wait(silent, 0, 0, REST_MS);
}

/** Two different bytes of event `n`, first and last. */
function mark(bytes: Uint8Array, at: number, n: number): void {
  bytes[at] = n & 255;
  bytes[at + EVENT_BYTES - 1] = (n >>> 8) & 255;
}

const isMarked = (bytes: Uint8Array, at: number, n: number): boolean =>
  bytes[at] === (n & 255) && bytes[at + EVENT_BYTES - 1] === ((n >>> 8) & 255);

/** `n` events from a producer whose `put` is tried until it succeeds. */
function producing(batch: number, put: (first: number) => boolean): (operations: number) => number {
  let n = 0;
  return (operations) => {
    for (const end = n + operations; n < end; n += batch) {
      while (!put(n)) refused();
      tries = 0;
    }
    return operations;
  };
}

/** `take` looks at up to `most` events, the first of them the n-th, and says how many there were; `right` counts those that are. */
function consuming(
  take: (n: number, most: number) => number,
  right: () => number,
): (operations: number) => number {
  let n = 0;
  return (operations) => {
    const before = right();
    for (const end = n + operations; n < end;) {
      const count = take(n, end - n);
      if (count === 0) {
        refused();
        continue;
      }
      tries = 0;
      n += count;
    }
    return right() - before;
  };
}

function events(
  work: Extract<Work, { handle: EventBufferHandle; batch: number }>,
  index: number,
): (n: number) => number {
  const buffer = EventBuffer.attach(work.handle);
  const { batch } = work;
  if (index === 0) {
    const producer = buffer.producer();
    const packed = new Uint8Array(batch * EVENT_BYTES);
    const list = Array.from({ length: batch }, (_, i) =>
      packed.subarray(i * EVENT_BYTES, (i + 1) * EVENT_BYTES),
    );
    return producing(batch, (first) => {
      for (let i = 0; i < batch; i++) mark(packed, i * EVENT_BYTES, first + i);
      if (work.kind === 'single') return producer.enqueue(0, packed) >= 0;
      return work.kind === 'list'
        ? producer.enqueueBatch(0, list) >= 0
        : producer.enqueuePacked(0, packed, batch) >= 0;
    });
  }
  const consumer = buffer.consumer();
  let right = 0;
  let expected = 0;
  if (work.kind === 'single') {
    const event = new EventRecord();
    return consuming(
      (n) => {
        if (!consumer.dequeue(event)) return 0;
        if (event.id === n && event.length === EVENT_BYTES && isMarked(event.source, 0, n)) right++;
        return 1;
      },
      () => right,
    );
  }
  const look = ({ id, length, source, at }: EventRecord): void => {
    if (id === expected && length === EVENT_BYTES && isMarked(source, at, expected)) right++;
    expected++;
  };
  return consuming(
    (_, most) => consumer.drain(look, most),
    () => right,
  );
}

function atomics(handle: AtomicsEventsHandle, index: number): (n: number) => number {
  const queue = new AtomicsEvents(handle);
  const bytes = new Uint8Array(EVENT_BYTES);
  if (index === 0)
    return producing(1, (n) => {
      mark(bytes, 0, n);
      return queue.tryPut(bytes, false) >= 0;
    });
  let right = 0;
  return consuming(
    (n) => {
      if (!queue.tryTake(bytes)) return 0;
      if (queue.id === (n | 0) && queue.length === EVENT_BYTES && isMarked(bytes, 0, n)) right++;
      return 1;
    },
    () => right,
  );
}

function frames(handle: FramedRingHandle, index: number): (n: number) => number {
  const ring = FramedRing.attach(handle);
  const bytes = new Uint8Array(EVENT_BYTES);
  if (index === 0) {
    const producer = ring.producer();
    return producing(1, (n) => {
      mark(bytes, 0, n);
      return producer.tryWrite(bytes) !== FRAME_FULL;
    });
  }
  const consumer = ring.consumer();
  let right = 0;
  return consuming(
    (n) => {
      const length = consumer.readInto(bytes);
      if (length < 0) return 0;
      if (length === EVENT_BYTES && isMarked(bytes, 0, n)) right++;
      return 1;
    },
    () => right,
  );
}

function port(work: Extract<Work, { kind: 'port' }>, index: number): (n: number) => number {
  const { batch } = work;
  if (index === 0) {
    const bytes = new Uint8Array(batch * EVENT_BYTES);
    return producing(batch, (first) => {
      for (let i = 0; i < batch; i++) mark(bytes, i * EVENT_BYTES, first + i);
      work.port.postMessage(bytes);
      return true;
    });
  }
  let right = 0;
  return consuming(
    (n) => {
      const received = receiveMessageOnPort(work.port);
      if (received === undefined) return 0;
      const message = received.message as Uint8Array;
      if (message.length !== batch * EVENT_BYTES) return batch;
      for (let i = 0; i < batch; i++) if (isMarked(message, i * EVENT_BYTES, n + i)) right++;
      return batch;
    },
    () => right,
  );
}

export function createContender(work: Work, index: number): (operations: number) => number {
  switch (work.kind) {
    case 'single':
    case 'list':
    case 'packed':
      return events(work, index);
    case 'atomics':
      return atomics(work.handle, index);
    case 'frames':
      return frames(work.handle, index);
    case 'port':
      return port(work, index);
  }
}
