// Events on their way from the threads that accept them to those that deliver them. The protocol is in kernel/event-*.ts and PROTOCOL.md.
import { Arena, ArgumentRangeError, type ObjectHandle } from '@corelane/shared-memory';
import { CompressionGuard } from './compression-guard.ts';
import { EventConsumer } from './event-consumer.ts';
import { eventKernelFor } from './event-kernel.ts';
import { readEventMetrics, type EventMetrics } from './event-metrics.ts';
import { EventPlace, eventPartsOf, MAX_EVENT_BYTES, MAX_EVENT_ROLES } from './event-place.ts';
import { EventProducer } from './event-producer.ts';
import { type ReclaimedEvents, reclaimSeats } from './event-seat.ts';
import { eventBufferRoot, machineRoot, MAX_EVENT_CAPACITY } from './layout.ts';
import type { PayloadInspector } from './payload-inspector.ts';
import { StateMachine } from './state-machine.ts';

export type EventBufferHandle = ObjectHandle<'atomic-state/event-buffer'>;

export interface EventBufferOptions {
  /** Whose endpoints are asked for each event; of the same arena. The buffer is of its implementation. */
  readonly machine: StateMachine;
  /** Events of each priority: 1 to 262,144, rounded up to a power of two of at least 2. */
  readonly capacity: number;
  /** Bytes of a payload at most: 1 to 1,048,576. Each slot takes them rounded up to a multiple of 64, and 16. */
  readonly maxEventBytes: number;
  /** Producers and consumers at a time, on all threads: 1 to 4096, 64 by default. Each takes 384 bytes. */
  readonly roles?: number;
  /** Does `enqueue` refuse what begins like a compressed file? True by default. */
  readonly inspect?: boolean;
}

const OPTIONS: readonly string[] = ['machine', 'capacity', 'maxEventBytes', 'roles', 'inspect'];

export interface ProducerOptions {
  /** Of compressed payloads, for `enqueueInspected`; a `CompressionGuard` with its defaults by default. */
  readonly inspector?: PayloadInspector;
}

export class EventBuffer {
  readonly handle: EventBufferHandle;
  readonly machine: StateMachine;
  /** Events of each priority. */
  readonly capacity: number;
  readonly maxEventBytes: number;
  /** Events of a batch at most: the capacity, and no more than 1024. */
  readonly maxBatch: number;
  readonly #place: EventPlace;
  /** Of the producers of this thread that were given none: made when the first one is. */
  #guard: CompressionGuard | undefined;

  private constructor(place: EventPlace) {
    this.#place = place;
    this.machine = place.machine;
    this.capacity = place.capacity;
    this.maxEventBytes = place.maxEventBytes;
    this.maxBatch = place.maxBatch;
    this.handle = place.arena.objectHandle(eventBufferRoot.name as EventBufferHandle['kind'], place.at);
  }

  /** @throws ArgumentRangeError, ArenaExhaustedError, AttachError where the machine lies in another arena */
  static create(arena: Arena, options: EventBufferOptions): EventBuffer {
    for (const name of Object.keys(options))
      if (!OPTIONS.includes(name))
        throw new ArgumentRangeError('option', name, `one of ${OPTIONS.join(', ')}`);
    const { machine, maxEventBytes, roles = 64, inspect = true } = options;
    const wanted = integer('capacity', options.capacity, MAX_EVENT_CAPACITY);
    integer('maxEventBytes', maxEventBytes, MAX_EVENT_BYTES);
    integer('roles', roles, MAX_EVENT_ROLES);
    const { at: machineAt } = arena.openObject(machineRoot, machine.handle);
    const capacity = Math.max(2, 2 ** Math.ceil(Math.log2(wanted)));
    const parts = eventPartsOf({ capacity, maxEventBytes, seats: roles });
    const at = arena.createObject(eventBufferRoot, parts.lengthBytes);
    const { word } = eventBufferRoot;
    const write = (index: number, value: number): void => {
      arena.i32[(at >> 2) + index] = value;
    };
    write(word.capacity, capacity);
    write(word.strideBytes, parts.strideBytes);
    write(word.maxEventBytes, maxEventBytes);
    write(word.inspect, inspect ? 1 : 0);
    write(word.seats, roles);
    write(word.seatsAt, at + parts.seatsOffset);
    write(word.payloads, at + parts.payloadsOffset);
    write(word.machine, machineAt);
    write(word.cells, arena.i32[(machineAt >> 2) + machineRoot.word.cells] as number);
    write(word.clock, machine.clock.addressOfNow);
    const place = new EventPlace(arena, eventKernelFor(arena, machineAt), machine, at);
    place.kernel.initializeEvents(at, 0, 0);
    return new EventBuffer(place);
  }

  /** @throws AttachError */
  static attach(handle: EventBufferHandle, arena: Arena = Arena.attach(handle?.arena)): EventBuffer {
    const { at, lengthBytes } = arena.openObject(eventBufferRoot, handle);
    const machineAt = arena.i32[(at >> 2) + eventBufferRoot.word.machine] as number;
    const machine = StateMachine.attach(arena.objectHandle('atomic-state/machine', machineAt), arena);
    const place = new EventPlace(arena, eventKernelFor(arena, machineAt), machine, at);
    place.check(lengthBytes, arena.i32[(machineAt >> 2) + machineRoot.word.cells] as number);
    return new EventBuffer(place);
  }

  /** One more producer. @throws EventRolesExhaustedError, ArgumentRangeError */
  producer(options: ProducerOptions = {}): EventProducer {
    const inspector: PayloadInspector = options.inspector ?? (this.#guard ??= new CompressionGuard());
    if (typeof inspector.inspect !== 'function')
      throw new ArgumentRangeError('inspector', inspector, 'an object with a method inspect');
    return new EventProducer(this.#place, inspector);
  }

  /** One more consumer. @throws EventRolesExhaustedError */
  consumer(): EventConsumer {
    return new EventConsumer(this.#place);
  }

  /**
   * Gives up what a thread held that has ended: its claims, so that consumers pass them by; what it took and did not release; its places.
   * @param threadId of a worker that has exited: read `worker.threadId` before it does
   * @throws ArgumentRangeError also for this thread
   */
  reclaim(threadId: number): ReclaimedEvents {
    return reclaimSeats(this.#place, threadId);
  }

  /** Of all threads, since it was created. Each figure is exact while nobody works, and else old by what others are just doing. */
  metrics(): EventMetrics {
    return readEventMetrics(this.#place);
  }
}

function integer(option: string, value: number, most: number): number {
  if (!Number.isInteger(value) || value < 1 || value > most)
    throw new ArgumentRangeError(option, value, `an integer from 1 to ${most}`);
  return value;
}
