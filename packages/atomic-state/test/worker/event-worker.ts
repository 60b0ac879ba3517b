// Producers put in events that tell who wrote them, in which priority, the how many-th, and a sum over all their bytes; consumers check each.
import { parentPort, workerData } from 'node:worker_threads';
import { EventBuffer, type EventBufferHandle, EventRecord, EventRefusal, Priority } from '../../src/index.ts';
import { arrive, yieldCore, type Station } from '../../../../tools/testing/crew.ts';

export interface EventStation {
  readonly handle: EventBufferHandle;
  /** `copier` and `comparer` handle long payloads of one byte each, and so are nearly always within a claim or a handler. */
  readonly role: 'producer' | 'consumer' | 'copier' | 'comparer';
  /** Producers: events of each. Consumers: until word 0 of `taken` is so many. */
  readonly count: number;
  /** Word 0: events taken by all. Word 1 + id: what that worker has done. */
  readonly taken: Int32Array;
  /** Consumers: a bit for each id. */
  readonly seen: Int32Array;
}

export interface EventReport {
  readonly done: number;
  readonly refused: number;
  readonly wrong: readonly string[];
}

const HEAD_BYTES = 12;
/** Of `taken`: 1 where comparers look at every byte. */
const THOROUGH = 15;
const { handle, role, count, taken, seen, id: me, control } = workerData as EventStation & Station;
const events = EventBuffer.attach(handle);
const wrong: string[] = [];
let done = 0;
let refused = 0;

function complain(what: string): void {
  if (wrong.length < 5) wrong.push(what);
}

function refuse(): void {
  if (++refused % 64 === 0) yieldCore(control);
}

const lengthOf = (n: number): number => HEAD_BYTES + ((n * 37) % 53);

function fill(bytes: Uint8Array, producer: number, priority: number, n: number): void {
  bytes[0] = producer;
  bytes[1] = priority;
  for (let i = 0; i < 4; i++) bytes[4 + i] = n >>> (8 * i);
  for (let i = HEAD_BYTES; i < bytes.length; i++) bytes[i] = (n * 13 + i * 5 + producer * 67) & 255;
  const sum = sumOf(bytes);
  for (let i = 0; i < 4; i++) bytes[8 + i] = sum >>> (8 * i);
}

function sumOf(bytes: Uint8Array): number {
  let sum = 0x811c9dc5;
  for (let i = 0; i < bytes.length; i++)
    if (i < 8 || i >= HEAD_BYTES) sum = Math.imul(sum ^ (bytes[i] as number), 0x01000193);
  return sum;
}

const wordAt = (bytes: Uint8Array, at: number): number =>
  (bytes[at] as number) |
  ((bytes[at + 1] as number) << 8) |
  ((bytes[at + 2] as number) << 16) |
  ((bytes[at + 3] as number) << 24);

function produce(): void {
  using producer = events.producer();
  const next = [0, 0];
  const made = (priority: number, ahead: number, length?: number): Uint8Array => {
    const n = (next[priority] as number) + ahead;
    const bytes = new Uint8Array(length ?? lengthOf(n));
    fill(bytes, me, priority, n);
    return bytes;
  };
  for (let attempt = 0; done < count; attempt++) {
    const priority = attempt % 5 === 0 ? Priority.Urgent : Priority.Normal;
    const size = attempt % 3 === 0 ? 1 : 1 + (attempt % 7);
    let outcome: number;
    if (size === 1) outcome = producer.enqueue(0, made(priority, 0), priority);
    else {
      const isPacked = attempt % 2 === 0;
      const list = Array.from({ length: size }, (_, i) => made(priority, i, isPacked ? 64 : undefined));
      outcome = isPacked
        ? producer.enqueuePacked(0, Buffer.concat(list), size, priority)
        : producer.enqueueBatch(0, list, priority);
    }
    if (outcome < 0) {
      if (outcome !== EventRefusal.Full) complain(`refused with ${outcome}`);
      refuse();
      continue;
    }
    next[priority] = (next[priority] as number) + size;
    done += size;
    Atomics.add(taken, 1 + me, size);
  }
}

function consume(): void {
  using consumer = events.consumer();
  const last = new Map<number, number>();
  const check = (event: EventRecord): void => {
    done++;
    const { bytes } = event;
    const bit = 1 << (event.id & 31);
    if ((Atomics.or(seen, event.id >> 5, bit) & bit) !== 0) complain(`id ${event.id} came out twice`);
    if (bytes.length < HEAD_BYTES || sumOf(bytes) !== wordAt(bytes, 8)) {
      complain(`event ${event.id} of ${bytes.length} bytes has a wrong sum`);
      return;
    }
    if (bytes[1] !== event.priority) complain(`event ${event.id} has priority ${event.priority}`);
    const from = 2 * (bytes[0] as number) + event.priority;
    const n = wordAt(bytes, 4);
    if (n <= (last.get(from) ?? -1))
      complain(`event ${n} of ${from} after ${last.get(from)}: not in the order of its producer`);
    last.set(from, n);
  };
  const event = new EventRecord();
  const records = Array.from({ length: 10 }, () => new EventRecord());
  for (let attempt = 0; Atomics.load(taken, 0) < count; attempt++) {
    const before = done;
    if (attempt % 4 === 0) consumer.drain(check, 1 + (attempt % 90));
    else if (attempt % 4 === 1) {
      const found = consumer.dequeueBatch(records);
      for (let i = 0; i < found; i++) check(records[i] as EventRecord);
    } else if (attempt % 4 === 2) {
      if (consumer.dequeue(event)) check(event);
    } else if (consumer.waitDequeue(event, 1)) check(event);
    if (done === before) refuse();
    else Atomics.add(taken, 0, done - before);
  }
}

/** Batches without an end. */
function copyOn(): never {
  const producer = events.producer();
  const lists = Array.from({ length: 8 }, (_, value) =>
    Array.from({ length: 16 }, () => new Uint8Array(events.maxEventBytes).fill(value + 8 * me)),
  );
  for (let attempt = 0; ; attempt++) {
    const priority = attempt % 2 === 0 ? Priority.Normal : Priority.Urgent;
    if (producer.enqueueBatch(0, lists[attempt & 7] as Uint8Array[], priority) < 0) refuse();
    else Atomics.add(taken, 1 + me, 16);
  }
}

/** Looks at bytes in place, without an end, at few while producers are to be busy; marks an id once it has. */
function compareOn(): never {
  const consumer = events.consumer();
  const compare = ({ id, source, at, length }: EventRecord): void => {
    const step = Atomics.load(taken, THOROUGH) === 1 ? 1 : 512;
    for (let i = 1; i < length; i += step)
      if (source[at + i] !== source[at]) throw new Error(`event ${id} is mixed at byte ${i}`);
    if (length !== events.maxEventBytes) throw new Error(`event ${id} has ${length} bytes`);
    const bit = 1 << (id & 31);
    if ((Atomics.or(seen, id >> 5, bit) & bit) !== 0) throw new Error(`id ${id} came out twice`);
    Atomics.add(taken, 0, 1);
    Atomics.add(taken, 1 + me, 1);
  };
  while (true) if (consumer.drain(compare) === 0) refuse();
}

arrive({ id: me, control });
switch (role) {
  case 'producer':
    produce();
    break;
  case 'consumer':
    consume();
    break;
  case 'copier':
    copyOn();
    break;
  case 'comparer':
    compareOn();
}
parentPort?.postMessage({ done, refused, wrong } satisfies EventReport);
