// Events of 64 bytes from the thread that accepts them to the thread that delivers them.
import { MessageChannel, type Transferable } from 'node:worker_threads';
import { EventBuffer, StateMachine } from '@corelane/atomic-state';
import { FramedRing } from '@corelane/lock-free';
import { Arena } from '@corelane/shared-memory';
import { Contenders } from '../../contention/contenders.ts';
import { entryUrl } from '../../entry-url.ts';
import type { BatchCase, BatchGroup, BatchResult } from '../../suite.ts';
import { AtomicsEvents } from './atomics-events.ts';
import { EVENT_BYTES, type Work } from './event-ends.ts';
import { Held } from './held.ts';

const THREADS = 2;
const CAPACITY = 4096;
const BATCH = 32;

const SINGLE = 'enqueue + dequeue';
const PACKED = `enqueuePacked of ${BATCH} + drain`;

interface Shared {
  readonly work: (index: number) => Work;
  readonly transfer?: (index: number) => Transferable[];
  /** What is wrong after so many events. */
  readonly check: (operations: number) => string | undefined;
  readonly end?: () => void;
}

interface Case {
  readonly name: string;
  readonly role: BatchCase['role'];
  readonly note?: string;
  readonly batch?: number;
  readonly make: () => Shared;
}

/** One thread puts in, one takes out; an operation is an event. */
function pair({ make, batch = 1, ...rest }: Case): BatchCase {
  const held = new Held<{ contenders: Contenders; shared: Shared }>();
  return {
    ...rest,
    opsPerBatch: batch,
    async setup() {
      const shared = make();
      const contenders = await Contenders.start({
        module: entryUrl('suites/state/event-ends'),
        contenders: THREADS,
        data: shared.work,
        ...(shared.transfer === undefined ? {} : { transfer: shared.transfer }),
      });
      held.set({ contenders, shared });
    },
    async batch(operations): Promise<BatchResult> {
      const { successful: both, elapsedNs = 0 } = await held.get().contenders.run(THREADS * operations);
      // The producer reports what it put in, the consumer what came out right: each event succeeds twice, or the run fails.
      const successful = both / THREADS;
      const rate = { value: (successful * 1000) / elapsedNs, unit: 'M events/s' };
      return { successful, elapsedNs, metrics: { throughput: rate } };
    },
    check: ({ operations }) => held.get().shared.check(operations),
    async teardown() {
      const value = held.take();
      await value?.contenders.stop();
      value?.shared.end?.();
    },
  };
}

interface Buffered {
  readonly name: string;
  readonly kind: 'single' | 'list' | 'packed';
  readonly batch: number;
  readonly note: string;
  /** The standard one is a peer. */
  readonly implementation?: 'standard';
}

function buffered({ name, kind, batch, note, implementation }: Buffered): BatchCase {
  return pair({
    name,
    role: implementation === undefined ? 'ours' : 'peer',
    note,
    batch,
    make: () => {
      const arena = Arena.create({ bytes: 1 << 21 });
      const machine = StateMachine.create(arena, {
        endpoints: 1,
        implementation: implementation ?? 'atomic',
      });
      machine.endpoint('github/push');
      const events = EventBuffer.create(arena, { machine, capacity: CAPACITY, maxEventBytes: EVENT_BYTES });
      return {
        work: () => ({ kind, handle: events.handle, batch }),
        check(operations) {
          const { accepted, taken, depth, abandoned, lostWithConsumer } = events.metrics();
          const fine =
            accepted === operations &&
            taken === operations &&
            depth.normal + depth.urgent + abandoned + lostWithConsumer === 0;
          return fine
            ? undefined
            : `${accepted} accepted, ${taken} taken, ${abandoned} abandoned, ${lostWithConsumer} lost, expected ${operations}`;
        },
        end: () => machine[Symbol.dispose](),
      };
    },
  });
}

function atomics(): BatchCase {
  return pair({
    name: 'JS Atomics, two queues of slots',
    role: 'peer',
    note: 'priorities and ids, too, but no breaker, no tokens, no batches, no threads that may end',
    make: () => {
      const queue = AtomicsEvents.create(CAPACITY, EVENT_BYTES);
      return {
        work: () => ({ kind: 'atomics', handle: queue.handle }),
        check: (operations) => {
          const ids = Atomics.load(queue.handle.ids, 0);
          return ids === (operations | 0) ? undefined : `${ids} ids, expected ${operations}`;
        },
      };
    },
  });
}

function messages(name: string, batch: number): BatchCase {
  return pair({
    name,
    role: 'peer',
    note: 'received by receiveMessageOnPort, its fastest way; no limit of how many wait, no priorities',
    batch,
    make: () => {
      const { port1, port2 } = new MessageChannel();
      const ports = [port1, port2];
      const at = (index: number): (typeof ports)[0] => ports[index] as (typeof ports)[0];
      return {
        work: (index) => ({ kind: 'port', port: at(index), batch }),
        transfer: (index) => [at(index)],
        check: () => undefined, // each message was looked at, in its order
      };
    },
  });
}

function frames(): BatchCase {
  return pair({
    name: 'FramedRing',
    role: 'limit',
    note: 'one consumer, no ids, no priorities, no breaker',
    make: () => {
      const ring = FramedRing.create(Arena.create({ bytes: 1 << 20 }), {
        capacityBytes: CAPACITY * EVENT_BYTES,
      });
      return {
        work: () => ({ kind: 'frames', handle: ring.handle }),
        check: () => (ring.usedBytes === 0 ? undefined : `${ring.usedBytes} bytes left, expected 0`),
      };
    },
  });
}

/** The same copies into an array and out of it, where nobody shares. */
function plainArray(): BatchCase {
  const held = new Held<{ queue: { id: number; bytes: Uint8Array }[]; next: number }>();
  const bytes = new Uint8Array(EVENT_BYTES);
  return {
    name: 'plain array, one thread',
    role: 'peer',
    note: 'push and pop of a copy: what one thread does that shares with nobody',
    setup: () => void held.set({ queue: [], next: 0 }),
    batch(operations) {
      const state = held.get();
      let successful = 0;
      for (let operation = 0; operation < operations; operation++) {
        bytes[0] = operation & 255;
        state.queue.push({ id: state.next++, bytes: bytes.slice() });
        const event = state.queue.pop();
        if (event?.id === state.next - 1 && event.bytes[0] === (operation & 255)) successful++;
      }
      return successful;
    },
    check({ operations }) {
      const { queue, next } = held.get();
      return queue.length === 0 && next === operations ? undefined : `${next} ids, expected ${operations}`;
    },
    teardown: () => void held.take(),
  };
}

export const events: BatchGroup = {
  kind: 'batch',
  name: 'events',
  title: 'An event of 64 bytes, admitted by its endpoint, from one thread to another',
  note: 'One operation is one event, its id, order and bytes looked at. Both ends try again at once where there is no room or no event, and rest for 50 µs after 1000 tries in vain.',
  cases: [
    buffered({ name: SINGLE, kind: 'single', batch: 1, note: 'copied in and out' }),
    buffered({
      name: PACKED,
      kind: 'packed',
      batch: BATCH,
      note: 'copied in by one call, looked at in place',
    }),
    buffered({
      name: `enqueueBatch of ${BATCH} + drain`,
      kind: 'list',
      batch: BATCH,
      note: 'a list of arrays, looked at in place',
    }),
    buffered({
      name: `mutex: ${SINGLE}`,
      kind: 'single',
      batch: 1,
      note: 'the standard twin: two plain rings under a mutex, each endpoint under its own',
      implementation: 'standard',
    }),
    buffered({
      name: `mutex: ${PACKED}`,
      kind: 'packed',
      batch: BATCH,
      note: 'the same',
      implementation: 'standard',
    }),
    atomics(),
    messages('MessagePort', 1),
    messages(`MessagePort, ${BATCH} events a message`, BATCH),
    frames(),
    plainArray(),
  ],
  claims: [
    { of: SINGLE, metric: 'throughput', atLeast: 5 },
    { of: PACKED, metric: 'throughput', atLeast: 15 },
    { of: SINGLE, against: PACKED, atLeast: 3 },
    { of: 'MessagePort', against: SINGLE, atLeast: 5 },
  ],
};
