// The shared state of a scheduler as JavaScript sees it: where it lies, and the kernel that works on it.
import { BoundedQueue, IndexStack } from '@corelane/lock-free';
import {
  alignUp,
  Arena,
  AttachError,
  LINE_BYTES,
  NameTable,
  type ObjectHandle,
} from '@corelane/shared-memory';
import { kernelBase64, type KernelExports } from './kernel.generated.ts';
import {
  clientEntry,
  MAX_CLIENTS,
  MAX_THREADS,
  schedulerRoot,
  slotHead,
  slotState,
  workerEntry,
} from './layout.ts';
import { MAX_SLOTS, type TableOptions } from './options.ts';
import { PRIORITIES } from './priority.ts';

/** Plain data that travels through `workerData` and `postMessage`; the other thread calls `Scheduler.attach`. */
export type SchedulerHandle = ObjectHandle<'scheduler/scheduler'>;

/** Bytes of UTF-8 that the URL of a task's module and its name may have together. */
const MAX_TASK_NAME_BYTES = 1024;
const WORD = schedulerRoot.word;

interface Places {
  readonly strideBytes: number;
  readonly clientsAt: number;
  readonly workersAt: number;
  readonly slotsAt: number;
  readonly lengthBytes: number;
}

function placesFor(
  at: number,
  { slots, payloadBytes, maxClients, threads }: Omit<TableOptions, 'maxQueue' | 'maxTasks'>,
): Places {
  const strideBytes = alignUp(slotHead.bytes + payloadBytes, LINE_BYTES);
  const clientsAt = at + schedulerRoot.bytes;
  const workersAt = clientsAt + maxClients * clientEntry.bytes;
  const slotsAt = workersAt + threads * workerEntry.bytes;
  return { strideBytes, clientsAt, workersAt, slotsAt, lengthBytes: slotsAt + slots * strideBytes - at };
}

/** Bytes of arena that a scheduler takes, rounded up. */
export function bytesFor(options: TableOptions): number {
  const { slots, maxTasks } = options;
  const queue = 1024 + 8 * 2 ** Math.ceil(Math.log2(Math.max(2, slots)));
  const names = 1024 + (maxTasks + 64) * (MAX_TASK_NAME_BYTES + 16);
  return placesFor(0, options).lengthBytes + 1024 + 4 * slots + PRIORITIES.length * queue + names + 4096;
}

export class SchedulerTable {
  readonly arena: Arena;
  readonly at: number;
  readonly handle: SchedulerHandle;
  readonly kernel: KernelExports;
  readonly names: NameTable;
  readonly slots: number;
  readonly payloadBytes: number;
  readonly maxClients: number;
  readonly maxQueue: number;
  readonly threads: number;
  readonly i32: Int32Array;
  readonly f64: Float64Array;
  readonly u8: Uint8Array;
  /** The same bytes, for strings. */
  readonly buffer: Buffer;
  readonly #places: Places;

  private constructor(arena: Arena, at: number, options: Omit<TableOptions, 'maxTasks'>, names: NameTable) {
    this.arena = arena;
    this.at = at;
    this.handle = arena.objectHandle(schedulerRoot.name as SchedulerHandle['kind'], at);
    this.kernel = arena.kernel<KernelExports>({ base64: kernelBase64 });
    this.names = names;
    this.slots = options.slots;
    this.payloadBytes = options.payloadBytes;
    this.maxClients = options.maxClients;
    this.maxQueue = options.maxQueue;
    this.threads = options.threads;
    this.#places = placesFor(at, options);
    this.i32 = arena.i32;
    this.f64 = arena.f64;
    this.u8 = arena.u8;
    this.buffer = Buffer.from(arena.u8.buffer);
  }

  static create(arena: Arena, options: TableOptions): SchedulerTable {
    const { slots, maxTasks } = options;
    const names = NameTable.create(arena, { capacity: maxTasks, maxNameBytes: MAX_TASK_NAME_BYTES });
    const free = IndexStack.create(arena, { capacity: slots });
    const queues = PRIORITIES.map(() => BoundedQueue.create(arena, { capacity: slots }));
    const at = arena.createObject(schedulerRoot, placesFor(0, options).lengthBytes);
    const { strideBytes, clientsAt, workersAt, slotsAt } = placesFor(at, options);
    const put = (word: number, value: number): void => void (arena.i32[(at >> 2) + word] = value);
    put(WORD.slots, slots);
    put(WORD.payloadBytes, options.payloadBytes);
    put(WORD.strideBytes, strideBytes);
    put(WORD.bands, queues.length);
    put(WORD.maxQueue, options.maxQueue);
    put(WORD.maxClients, options.maxClients);
    put(WORD.threads, options.threads);
    put(WORD.freeAt, free.handle.at);
    for (const [band, queue] of queues.entries()) put(WORD.queues + band, queue.handle.at);
    put(WORD.namesAt, names.handle.at);
    put(WORD.clientsAt, clientsAt);
    put(WORD.workersAt, workersAt);
    put(WORD.slotsAt, slotsAt);
    return new SchedulerTable(arena, at, options, names);
  }

  /** @throws AttachError */
  static attach(handle: SchedulerHandle, arena: Arena = Arena.attach(handle?.arena)): SchedulerTable {
    const { at, lengthBytes } = arena.openObject(schedulerRoot, handle);
    const read = (word: number): number => arena.i32[(at >> 2) + word] as number;
    const options = {
      slots: range('slots', read(WORD.slots), MAX_SLOTS),
      payloadBytes: range('payloadBytes', read(WORD.payloadBytes), lengthBytes),
      maxClients: range('maxClients', read(WORD.maxClients), MAX_CLIENTS),
      threads: range('threads', read(WORD.threads), MAX_THREADS),
      maxQueue: range('maxQueue', read(WORD.maxQueue), MAX_SLOTS),
    };
    const places = placesFor(at, options);
    check('length in bytes', lengthBytes, places.lengthBytes);
    for (const field of ['strideBytes', 'clientsAt', 'workersAt', 'slotsAt'] as const)
      check(field, read(WORD[field]), places[field]);
    check('bands', read(WORD.bands), PRIORITIES.length);
    const free = IndexStack.attach(arena.objectHandle('lock-free/index-stack', read(WORD.freeAt)), arena);
    check('capacity of the free list', free.capacity, options.slots);
    for (let band = 0; band < PRIORITIES.length; band++) {
      const queueAt = read(WORD.queues + band);
      const queue = BoundedQueue.attach(arena.objectHandle('lock-free/bounded-queue', queueAt), arena);
      if (queue.capacity < options.slots)
        throw new AttachError(
          schedulerRoot.name,
          'capacity of a queue',
          queue.capacity,
          `${options.slots} or more`,
        );
    }
    const names = NameTable.attach(arena.objectHandle('shared-memory/name-table', read(WORD.namesAt)), arena);
    return new SchedulerTable(arena, at, options, names);
  }

  // Word indices into `i32`.

  get phaseWord(): number {
    return (this.at >> 2) + WORD.phase;
  }

  get bellWord(): number {
    return (this.at >> 2) + WORD.bell;
  }

  /** From one slot's word to the next one's. */
  get strideWords(): number {
    return this.#places.strideBytes >> 2;
  }

  slotWord(slot: number): number {
    return (this.#places.slotsAt + slot * this.#places.strideBytes) >> 2;
  }

  /** Parties count from 1. */
  clientWord(client: number): number {
    return (this.#places.clientsAt + (client - 1) * clientEntry.bytes) >> 2;
  }

  workerWord(worker: number): number {
    return (this.#places.workersAt + (worker - 1) * workerEntry.bytes) >> 2;
  }

  get phase(): number {
    return Atomics.load(this.i32, this.phaseWord);
  }

  /** A slot's state, client and worker, packed; see `stateIn`, `clientIn`. */
  stateOf(slot: number): number {
    return Atomics.load(this.i32, this.slotWord(slot) + slotHead.word.state);
  }

  /** `url#name` of a task, or what is wrong with its index. */
  taskNameIn(slot: number): string {
    const index = this.i32[this.slotWord(slot) + slotHead.word.task] as number;
    return this.names.names()[index] ?? `number ${index}, which has no name`;
  }
}

function check(what: string, found: number, expected: number): void {
  if (found !== expected) throw new AttachError(schedulerRoot.name, what, found, expected);
}

function range(what: string, found: number, most: number): number {
  if (found < 1 || found > most) throw new AttachError(schedulerRoot.name, what, found, `1 to ${most}`);
  return found;
}

const { state, client } = slotState.field;

export function stateIn(word: number): number {
  return (word >>> state.shift) & state.mask;
}

/** Party, 0 for none. */
export function clientIn(word: number): number {
  return (word >>> client.shift) & client.mask;
}
