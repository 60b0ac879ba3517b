// Events between threads as one writes them with JavaScript Atomics: slots, a queue of the free ones, a queue of the filled ones for each
// priority, a counter of ids. What it lacks: breaker and tokens, batches, threads that end with a slot in their hands, waiting.
import { AtomicsQueue, EMPTY } from '../lock-free/atomics-queue.ts';

const ID = 0;
const LENGTH = 1;
const META_WORDS = 2;

export interface AtomicsEventsHandle {
  readonly free: Int32Array;
  readonly normal: Int32Array;
  readonly urgent: Int32Array;
  readonly meta: Int32Array;
  readonly payloads: Uint8Array;
  readonly ids: Int32Array;
  readonly capacity: number;
  readonly maxBytes: number;
}

export class AtomicsEvents {
  readonly handle: AtomicsEventsHandle;
  readonly #free: AtomicsQueue;
  readonly #normal: AtomicsQueue;
  readonly #urgent: AtomicsQueue;
  readonly #payloads: Buffer;
  /** Of the event that was taken last. */
  id = 0;
  length = 0;

  constructor(handle: AtomicsEventsHandle) {
    const { capacity, payloads } = handle;
    this.handle = handle;
    this.#free = new AtomicsQueue(capacity, handle.free);
    this.#normal = new AtomicsQueue(capacity, handle.normal);
    this.#urgent = new AtomicsQueue(capacity, handle.urgent);
    this.#payloads = Buffer.from(payloads.buffer as ArrayBuffer);
  }

  static create(capacity: number, maxBytes: number): AtomicsEvents {
    const free = new AtomicsQueue(capacity);
    for (let slot = 0; slot < capacity; slot++) free.tryPush(slot);
    return new AtomicsEvents({
      free: free.words,
      normal: new AtomicsQueue(capacity).words,
      urgent: new AtomicsQueue(capacity).words,
      meta: new Int32Array(new SharedArrayBuffer(4 * META_WORDS * capacity)),
      payloads: new Uint8Array(new SharedArrayBuffer(maxBytes * capacity)),
      ids: new Int32Array(new SharedArrayBuffer(128)),
      capacity,
      maxBytes,
    });
  }

  /** @returns its id, or -1 where it is full */
  tryPut(bytes: Uint8Array, isUrgent: boolean): number {
    const slot = this.#free.tryPop();
    if (slot === EMPTY) return -1;
    const { meta, payloads, ids, maxBytes } = this.handle;
    payloads.set(bytes, slot * maxBytes);
    const id = Atomics.add(ids, 0, 1);
    meta[META_WORDS * slot + ID] = id;
    meta[META_WORDS * slot + LENGTH] = bytes.length;
    (isUrgent ? this.#urgent : this.#normal).tryPush(slot);
    return id;
  }

  tryTake(target: Uint8Array): boolean {
    let slot = this.#urgent.tryPop();
    if (slot === EMPTY) slot = this.#normal.tryPop();
    if (slot === EMPTY) return false;
    const { meta, maxBytes } = this.handle;
    this.id = meta[META_WORDS * slot + ID] as number;
    this.length = meta[META_WORDS * slot + LENGTH] as number;
    this.#payloads.copy(target, 0, slot * maxBytes, slot * maxBytes + this.length);
    this.#free.tryPush(slot);
    return true;
  }
}
