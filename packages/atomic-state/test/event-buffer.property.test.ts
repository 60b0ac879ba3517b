// The event buffer against the plainest thing that does the same: two arrays and a counter.
import { Arena } from '@corelane/shared-memory';
import fc from 'fast-check';
import { test } from 'vitest';
import { EventBuffer, EventRecord, EventRefusal, Priority, Refusal, StateMachine } from '../src/index.ts';
import { eventPosition } from '../src/layout.ts';
import { eventKernelFor } from '../src/event-kernel.ts';
import { implementation } from './implementation.ts';

const BURST = 40;
const MAX_BYTES = 70;

interface Plain {
  readonly id: number;
  readonly priority: Priority;
  readonly bytes: readonly number[];
}

class Reference {
  readonly #rings: Plain[][] = [[], []];
  readonly #capacity: number;
  #next: number;
  tokens = BURST;

  constructor(capacity: number, firstId: number) {
    this.#capacity = capacity;
    this.#next = firstId;
  }

  put(payloads: readonly (readonly number[])[], priority: Priority): number {
    const ring = this.#rings[priority] as Plain[];
    if (ring.length + payloads.length > this.#capacity) return EventRefusal.Full;
    if (this.tokens < payloads.length) return Refusal.Throttled;
    this.tokens -= payloads.length;
    const first = this.#next;
    for (const bytes of payloads) {
      ring.push({ id: this.#next, priority, bytes });
      this.#next = (this.#next + 1) % 2 ** 44;
    }
    return first;
  }

  take(most: number): Plain[] {
    const ring = this.#rings.toReversed().find((each) => each.length > 0);
    return ring === undefined ? [] : ring.splice(0, most);
  }

  takeAll(limit: number): Plain[] {
    const out: Plain[] = [];
    while (out.length < limit) {
      const next = this.take(1);
      if (next.length === 0) break;
      out.push(...next);
    }
    return out;
  }
}

const payload = fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: MAX_BYTES });
const priority = fc.constantFrom(Priority.Normal, Priority.Urgent);
const operation = fc.oneof(
  fc.record({ kind: fc.constant('put' as const), payload, priority }),
  fc.record({
    kind: fc.constant('batch' as const),
    payloads: fc.array(payload, { minLength: 1, maxLength: 4 }),
    priority,
  }),
  fc.record({
    kind: fc.constant('packed' as const),
    count: fc.integer({ min: 1, max: 4 }),
    length: fc.constantFrom(0, 5, 64, MAX_BYTES),
    fill: fc.integer({ min: 0, max: 255 }),
    priority,
  }),
  fc.record({ kind: fc.constant('take' as const) }),
  fc.record({ kind: fc.constant('takeBatch' as const), most: fc.integer({ min: 1, max: 4 }) }),
  fc.record({ kind: fc.constant('drain' as const), limit: fc.integer({ min: 0, max: 9 }) }),
);

const plainOf = (event: EventRecord): Plain => ({
  id: event.id,
  priority: event.priority,
  bytes: [...event.bytes],
});

function same(what: string, found: unknown, expected: unknown): void {
  if (JSON.stringify(found) !== JSON.stringify(expected))
    throw new Error(`${what}: ${JSON.stringify(found)}, expected ${JSON.stringify(expected)}`);
}

test('any sequence of calls has the outcomes of two plain arrays, over every wrap', () => {
  fc.assert(
    fc.property(
      fc.array(operation, { maxLength: 60 }),
      fc.constantFrom(4, 8),
      fc.boolean(),
      (operations, capacity, wraps) => {
        const arena = Arena.create({ bytes: 1 << 16 });
        using machine = StateMachine.create(arena, { endpoints: 1, implementation: implementation() });
        const endpoint = machine.endpoint('a', { burst: BURST, refillPerSecond: 0.001 });
        const events = EventBuffer.create(arena, {
          machine,
          capacity,
          maxEventBytes: MAX_BYTES,
          roles: 2,
          inspect: false,
        });
        if (wraps)
          eventKernelFor(arena, machine.handle.at).initializeEvents(
            events.handle.at,
            -7,
            (0xffffc << eventPosition.field.urgent.shift) | 0xfff,
          );
        const reference = new Reference(capacity, wraps ? 2 ** 44 - 7 : 0);
        using producer = events.producer();
        using consumer = events.consumer();
        const records = Array.from({ length: 4 }, () => new EventRecord());
        for (const call of operations) {
          switch (call.kind) {
            case 'put': {
              const id = producer.enqueue(endpoint, Uint8Array.from(call.payload), call.priority);
              same('put', id, reference.put([call.payload], call.priority));
              break;
            }
            case 'batch': {
              const list = call.payloads.map((bytes) => Uint8Array.from(bytes));
              const id = producer.enqueueBatch(endpoint, list, call.priority);
              same('batch', id, reference.put(call.payloads, call.priority));
              break;
            }
            case 'packed': {
              const bytes = Uint8Array.from(
                { length: call.count * call.length },
                (_, i) => (call.fill + i) & 255,
              );
              const id = producer.enqueuePacked(endpoint, bytes, call.count, call.priority);
              const parts = Array.from({ length: call.count }, (_, i) => [
                ...bytes.subarray(i * call.length, (i + 1) * call.length),
              ]);
              same('packed', id, reference.put(parts, call.priority));
              break;
            }
            case 'take': {
              const event = records[0] as EventRecord;
              same('take', consumer.dequeue(event) ? [plainOf(event)] : [], reference.take(1));
              break;
            }
            case 'takeBatch': {
              const count = consumer.dequeueBatch(records, call.most);
              same('takeBatch', records.slice(0, count).map(plainOf), reference.take(call.most));
              break;
            }
            case 'drain': {
              const out: Plain[] = [];
              consumer.drain((event) => out.push(plainOf(event)), call.limit);
              same('drain', out, reference.takeAll(call.limit));
              break;
            }
          }
        }
        same('tokens', machine.snapshot(endpoint).tokens, reference.tokens);
      },
    ),
    { numRuns: 400 },
  );
});
