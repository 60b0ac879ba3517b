// The shared state of a scheduler as JavaScript sees it: where it lies, and the kernel that works on it.
import { IndexStack, WorkStealingDeque } from '@corelane/lock-free';
import { Arena, AttachError, LINE_BYTES, NameTable, type ObjectHandle } from '@corelane/shared-memory';
import { kernelBase64, type KernelExports } from './kernel.generated.ts';
import {
  clientEntry,
  MAX_CLIENTS,
  MAX_THREADS,
  schedulerRoot,
  slotHead,
  slotState,
  slowLaneRoot,
  victimCell,
  workerEntry,
} from './layout.ts';
import { MAX_SLOTS, type TableOptions } from './options.ts';
import { LAST_POLICY, MAX_LOCAL_QUEUE, shareOf } from './policy.ts';
import { PayloadContext } from './payload-context.ts';
import { PLACES, placesFor, type Places, type Plan } from './places.ts';
import { Slab } from './slab.ts';
import { WatchTable } from './monitor/watch-table.ts';
import { NameTiers } from './budgets/name-tiers.ts';
import { SlowLane } from './slow-lane/slow-lane.ts';
import { TaskTimes } from './task-times.ts';

/** Plain data that travels through `workerData` and `postMessage`; the other thread calls `Scheduler.attach`. */
export type SchedulerHandle = ObjectHandle<'scheduler/scheduler'>;

/** Bytes of UTF-8 that the URL of a task's module and its name may have together. */
const MAX_TASK_NAME_BYTES = 1024;
const DEQUE_BYTES = 1024;
/** Shapes of records that threads have in common, and bytes of the names of one's properties. */
const MAX_SHAPES = 512;
const MAX_SHAPE_BYTES = 512;
const WORD = schedulerRoot.word;
/** Bytes of arena that a scheduler takes, rounded up. */
export function bytesFor(options: TableOptions): number {
  const { slots, maxTasks, threads } = options;
  const names = 1024 + (maxTasks + 64) * (MAX_TASK_NAME_BYTES + 16);
  const shapes = 1024 + (MAX_SHAPES + 64) * (MAX_SHAPE_BYTES + 16);
  const slab = options.payloadMemoryBytes === 0 ? 0 : Slab.bytesFor(slabOptions(options)) + LINE_BYTES;
  const times = options.recordTiming ? TaskTimes.bytesFor(slots) + LINE_BYTES : 0;
  const deques = threads * (DEQUE_BYTES + options.batch * 4);
  const tiers = options.hasTiers ? NameTiers.bytesFor(maxTasks) + LINE_BYTES : 0;
  const slow = options.slow === undefined ? 0 : SlowLane.bytesFor(options.slow, maxTasks, slots) + LINE_BYTES;
  const watch = options.isWatched ? WatchTable.bytesFor(maxTasks, threads) + LINE_BYTES : 0;
  const others = 1024 + 4 * slots + deques + names + shapes + slab + times + tiers + slow + watch + 4096;
  return placesFor(0, options).lengthBytes + others;
}

function slabOptions({ payloadBytes, payloadMemoryBytes }: TableOptions): {
  payloadBytes: number;
  memoryBytes: number;
} {
  return { payloadBytes, memoryBytes: payloadMemoryBytes };
}

export class SchedulerTable {
  readonly arena: Arena;
  readonly at: number;
  readonly handle: SchedulerHandle;
  readonly kernel: KernelExports;
  readonly names: NameTable;
  readonly slots: number;
  readonly payloadBytes: number;
  readonly inlineBytes: number;
  /** Undefined where no payload is larger than a slot. */
  readonly slab: Slab | undefined;
  /** Undefined where nobody asks for them. */
  readonly times: TaskTimes | undefined;
  /** Undefined where nobody watches polls. */
  readonly watch: WatchTable | undefined;
  readonly payloads: PayloadContext;
  readonly maxClients: number;
  /** Those of the slow lane included: they come last. */
  readonly threads: number;
  /** Workers that take tasks of lanes. */
  readonly common: number;
  /** Undefined where there is none. */
  readonly slow: SlowLane | undefined;
  /** Undefined where there is neither a slow lane nor anybody who moves tiers. */
  readonly tiers: NameTiers | undefined;
  /** POLICY_ ... */
  readonly policy: number;
  /** When it was created, in milliseconds since 1970. */
  readonly startMs: number;
  readonly i32: Int32Array;
  readonly f64: Float64Array;
  readonly u8: Uint8Array;
  /** The same bytes, for strings. */
  readonly buffer: Buffer;
  readonly #places: Places;
  /** By index. */
  readonly #taskNames: (string | undefined)[] = [];

  private constructor(
    arena: Arena,
    at: number,
    options: Plan,
    names: NameTable,
    shapes: NameTable,
    slab: Slab | undefined,
    times: TaskTimes | undefined,
    slow: SlowLane | undefined,
    tiers: NameTiers | undefined,
    watch: WatchTable | undefined,
  ) {
    this.arena = arena;
    this.at = at;
    this.handle = arena.objectHandle(schedulerRoot.name as SchedulerHandle['kind'], at);
    this.kernel = kernelIn(arena);
    this.names = names;
    this.slots = options.slots;
    this.payloadBytes = options.payloadBytes;
    this.inlineBytes = options.inlineBytes;
    this.slab = slab;
    this.times = times;
    this.watch = watch;
    this.payloads = new PayloadContext(arena, shapes);
    this.maxClients = options.maxClients;
    this.threads = options.threads;
    this.common = options.common;
    this.slow = slow;
    this.tiers = tiers;
    this.policy = options.policy;
    this.startMs = arena.f64[(at + schedulerRoot.offset.startMs) >> 3] as number;
    this.#places = placesFor(at, options);
    this.i32 = arena.i32;
    this.f64 = arena.f64;
    this.u8 = arena.u8;
    this.buffer = Buffer.from(arena.u8.buffer);
  }

  static create(arena: Arena, options: TableOptions): SchedulerTable {
    const { slots, maxTasks } = options;
    const names = NameTable.create(arena, { capacity: maxTasks, maxNameBytes: MAX_TASK_NAME_BYTES });
    const shapes = NameTable.create(arena, { capacity: MAX_SHAPES, maxNameBytes: MAX_SHAPE_BYTES });
    const slab = options.payloadMemoryBytes === 0 ? undefined : Slab.create(arena, slabOptions(options));
    const times = options.recordTiming ? TaskTimes.create(arena, slots) : undefined;
    const tiers = options.hasTiers ? NameTiers.create(arena, maxTasks, kernelIn(arena)) : undefined;
    const slow =
      options.slow === undefined ? undefined : SlowLane.create(arena, options.slow, maxTasks, slots);
    const watch = options.isWatched ? WatchTable.create(arena, maxTasks, options.threads) : undefined;
    const free = IndexStack.create(arena, { capacity: slots });
    const deques = Array.from({ length: options.threads }, () =>
      WorkStealingDeque.create(arena, { capacity: options.batch, order: 'fifo' }),
    );
    const at = arena.createObject(schedulerRoot, placesFor(0, options).lengthBytes);
    const places = placesFor(at, options);
    const put = (word: number, value: number): void => void (arena.i32[(at >> 2) + word] = value);
    put(WORD.slots, slots);
    put(WORD.payloadBytes, options.payloadBytes);
    put(WORD.inlineBytes, options.inlineBytes);
    put(WORD.slabAt, slab?.at ?? 0);
    put(WORD.shapesAt, shapes.handle.at);
    put(WORD.timesAt, times?.at ?? 0);
    put(WORD.watchAt, watch?.at ?? 0);
    put(WORD.maxClients, options.maxClients);
    put(WORD.threads, options.threads);
    put(WORD.common, options.common);
    put(WORD.slowAt, slow?.at ?? 0);
    put(WORD.tiersAt, tiers?.at ?? 0);
    put(WORD.freeAt, free.handle.at);
    put(WORD.namesAt, names.handle.at);
    put(WORD.share, shareOf(options.policy, options.common));
    put(WORD.policy, options.policy);
    put(WORD.batch, options.batch);
    put(WORD.stealBatch, options.stealBatch);
    arena.f64[(at + schedulerRoot.offset.startMs) >> 3] = performance.timeOrigin + performance.now();
    for (const field of PLACES) put(WORD[field], places[field]);
    const table = new SchedulerTable(arena, at, options, names, shapes, slab, times, slow, tiers, watch);
    for (const [worker, deque] of deques.entries())
      arena.i32[table.workerWord(worker + 1) + workerEntry.word.dequeAt] = deque.handle.at;
    return table;
  }

  /** @throws AttachError */
  static attach(handle: SchedulerHandle, arena: Arena = Arena.attach(handle?.arena)): SchedulerTable {
    const { at, lengthBytes } = arena.openObject(schedulerRoot, handle);
    const read = (word: number): number => arena.i32[(at >> 2) + word] as number;
    const options = {
      slots: range('slots', read(WORD.slots), MAX_SLOTS),
      payloadBytes: range('payloadBytes', read(WORD.payloadBytes), arena.bytes),
      inlineBytes: range('inlineBytes', read(WORD.inlineBytes), lengthBytes),
      maxClients: range('maxClients', read(WORD.maxClients), MAX_CLIENTS),
      threads: range('threads', read(WORD.threads), MAX_THREADS),
      common: range('common', read(WORD.common), read(WORD.threads)),
      policy: range('policy', read(WORD.policy), LAST_POLICY, 0),
      batch: range('batch', read(WORD.batch), MAX_LOCAL_QUEUE),
    };
    const places = placesFor(at, options);
    check('length in bytes', lengthBytes, places.lengthBytes);
    for (const field of PLACES) check(field, read(WORD[field]), places[field]);
    const free = IndexStack.attach(arena.objectHandle('lock-free/index-stack', read(WORD.freeAt)), arena);
    check('capacity of the free list', free.capacity, options.slots);
    for (let worker = 0; worker < options.threads; worker++) {
      const dequeAt = arena.i32[
        ((places.workersAt + worker * workerEntry.bytes) >> 2) + workerEntry.word.dequeAt
      ] as number;
      const deque = WorkStealingDeque.attach(arena.objectHandle('lock-free/deque', dequeAt), arena);
      check('capacity of a deque', deque.capacity, options.batch);
    }
    const table = (nameTableAt: number): NameTable =>
      NameTable.attach(arena.objectHandle('shared-memory/name-table', nameTableAt), arena);
    const slab = read(WORD.slabAt) === 0 ? undefined : Slab.attach(arena, read(WORD.slabAt));
    const timesAt = read(WORD.timesAt);
    const times = timesAt === 0 ? undefined : TaskTimes.attach(arena, timesAt, options.slots);
    const [names, shapes] = [table(read(WORD.namesAt)), table(read(WORD.shapesAt))];
    const tiersAt = read(WORD.tiersAt);
    const tiers = tiersAt === 0 ? undefined : NameTiers.attach(arena, tiersAt, kernelIn(arena));
    if (tiers !== undefined) check('tiers of names', tiers.names, names.capacity);
    const slowAt = read(WORD.slowAt);
    if (slowAt === 0) check('workers without a slow lane', options.common, options.threads);
    const slow = slowAt === 0 ? undefined : SlowLane.attach(arena, slowAt, names.capacity, options.slots);
    const watchAt = read(WORD.watchAt);
    const watch =
      watchAt === 0 ? undefined : WatchTable.attach(arena, watchAt, names.capacity, options.threads);
    return new SchedulerTable(arena, at, options, names, shapes, slab, times, slow, tiers, watch);
  }

  // Word indices into `i32`.

  get phaseWord(): number {
    return (this.at >> 2) + WORD.phase;
  }

  get hungryWord(): number {
    return (this.at >> 2) + WORD.hungry;
  }

  get starvingWord(): number {
    return (this.at >> 2) + WORD.starving;
  }

  /** The first of them. */
  get liveWord(): number {
    return (this.at >> 2) + WORD.live;
  }

  get bellWord(): number {
    return (this.at >> 2) + WORD.bell;
  }

  /** Hints of one client that wait at one level, at most. */
  get laneRoom(): number {
    return 2 ** this.#places.laneShift;
  }

  /** Hints of one client that wait for one worker, at most. */
  get pinnedRoom(): number {
    return 2 ** this.#places.pinnedShift;
  }

  /** From one slot's word to the next one's. */
  get strideWords(): number {
    return this.#places.strideBytes >> 2;
  }

  slotWord(slot: number): number {
    return (this.#places.slotsAt + slot * this.#places.strideBytes) >> 2;
  }

  /** Whether an address is of a slot. */
  holdsSlot(address: number): boolean {
    const { slotsAt, strideBytes } = this.#places;
    return address >= slotsAt && address < slotsAt + this.slots * strideBytes;
  }

  /** Parties count from 1. */
  clientWord(client: number): number {
    return (this.#places.clientsAt + (client - 1) * clientEntry.bytes) >> 2;
  }

  workerWord(worker: number): number {
    return (this.#places.workersAt + (worker - 1) * workerEntry.bytes) >> 2;
  }

  /** Whether a worker waits for tasks. */
  isParked(worker: number): boolean {
    const first =
      worker <= this.common || this.slow === undefined
        ? (this.at >> 2) + WORD.parked
        : (this.slow.at >> 2) + slowLaneRoot.word.parked;
    return ((Atomics.load(this.i32, first + ((worker - 1) >> 5)) >>> ((worker - 1) & 31)) & 1) === 1;
  }

  /** Changes whenever a worker is woken or ends a task. */
  activityOf(worker: number): number {
    const wakes = Atomics.load(this.i32, this.workerWord(worker) + workerEntry.word.wake);
    return (wakes + this.endedBy(worker)) | 0;
  }

  /** Tasks that a worker has ended, with those of this index before it; wraps. */
  endedBy(worker: number): number {
    const at = this.workerWord(worker);
    const { completed, failed } = workerEntry.word;
    return (Atomics.load(this.i32, at + completed) + Atomics.load(this.i32, at + failed)) | 0;
  }

  /** Of the row of a worker, counted from 0. */
  victimWord(worker: number, index: number): number {
    return (this.#places.victimsAt + (worker * (this.common - 1) + index) * victimCell.bytes) >> 2;
  }

  get phase(): number {
    return Atomics.load(this.i32, this.phaseWord);
  }

  /** A slot's state, client and worker, packed; see `stateIn`, `clientIn`. */
  stateOf(slot: number): number {
    return Atomics.load(this.i32, this.slotWord(slot) + slotHead.word.state);
  }

  /** Name of a task, without its module, as errors have it; or what is wrong with its index. */
  taskNameIn(slot: number): string {
    return this.taskName(this.i32[this.slotWord(slot) + slotHead.word.task] as number);
  }

  /** The same, by its index. */
  taskName(index: number): string {
    return this.#taskNames[index] ?? this.#learnName(index);
  }

  #learnName(index: number): string {
    const full = this.names.names()[index];
    if (full === undefined) return `number ${index}, which has no name`;
    return (this.#taskNames[index] = full.slice(full.lastIndexOf('#') + 1));
  }
}

function kernelIn(arena: Arena): KernelExports {
  return arena.kernel<KernelExports>({ base64: kernelBase64 });
}

function check(what: string, found: number, expected: number): void {
  if (found !== expected) throw new AttachError(schedulerRoot.name, what, found, expected);
}

function range(what: string, found: number, most: number, least = 1): number {
  if (found < least || found > most)
    throw new AttachError(schedulerRoot.name, what, found, `${least} to ${most}`);
  return found;
}

const { state, generation, client, worker } = slotState.field;

export function stateIn(word: number): number {
  return (word >>> state.shift) & state.mask;
}

export function generationIn(word: number): number {
  return (word >>> generation.shift) & generation.mask;
}

/** Party, 0 for none. */
export function clientIn(word: number): number {
  return (word >>> client.shift) & client.mask;
}

/** Party, 0 for none, SLOW_PARTY for the slow lane. */
export function workerIn(word: number): number {
  return (word >>> worker.shift) & worker.mask;
}
