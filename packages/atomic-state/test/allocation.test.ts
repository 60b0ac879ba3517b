import { expectZeroAllocation } from '@corelane/memory-tracker';
import { Arena, CoarseClock } from '@corelane/shared-memory';
import { expect, test } from 'vitest';
import {
  EventBuffer,
  EventRecord,
  Priority,
  Refusal,
  StateMachine,
  type EndpointOptions,
  type EventConsumer,
  type EventHandler,
  type EventProducer,
} from '../src/index.ts';
import { implementation } from './implementation.ts';

function endpoint(options: EndpointOptions): { machine: StateMachine; endpoint: number } {
  const arena = Arena.create({ bytes: 1 << 18 });
  const machine = StateMachine.create(arena, {
    endpoints: 4,
    clock: CoarseClock.create(arena),
    implementation: implementation(),
  });
  return { machine, endpoint: machine.endpoint('a', options) };
}

test('admission and result allocate nothing', () => {
  const { machine, endpoint: a } = endpoint({});
  expectZeroAllocation(() => {
    machine.recordDelivery(a, true, machine.tryAcquire(a));
  });
});

test('admission by token and failure allocate nothing', () => {
  const { machine, endpoint: a } = endpoint({
    refillPerSecond: 100_000,
    burst: 255,
    failureThreshold: 96,
    failureWindowMs: 1,
  });
  expectZeroAllocation((i) => {
    machine.recordDelivery(a, false, Math.max(0, machine.tryAcquire(a, i * 2)), 0, i * 2);
  });
});

test('refusal by an open breaker allocates nothing', () => {
  const { machine, endpoint: a } = endpoint({ failureThreshold: 1 });
  machine.recordDelivery(a, false);
  expect(machine.tryAcquire(a)).toBe(Refusal.Open);
  expectZeroAllocation(() => {
    machine.tryAcquire(a);
  });
});

function events(): { producer: EventProducer; consumer: EventConsumer; target: number } {
  const arena = Arena.create({ bytes: 1 << 20 });
  const machine = StateMachine.create(arena, { endpoints: 1, clock: CoarseClock.create(arena) });
  const buffer = EventBuffer.create(arena, { machine, capacity: 256, maxEventBytes: 64 });
  return { producer: buffer.producer(), consumer: buffer.consumer(), target: machine.endpoint('a') };
}

test('putting an event in and taking it out allocates nothing, nor does a refusal', () => {
  const { producer, consumer, target } = events();
  const bytes = new Uint8Array(64).fill(7);
  const event = new EventRecord();
  let sum = 0;
  expectZeroAllocation(() => {
    producer.enqueue(target, bytes, Priority.Urgent);
    if (consumer.dequeue(event)) sum += event.bytes[3] as number;
    if (consumer.dequeue(event)) sum = Number.NaN;
  });
  expect(sum % 7).toBe(0);
  while (producer.enqueue(target, bytes) >= 0);
  expectZeroAllocation(() => {
    producer.enqueue(target, bytes);
  });
});

test('batches that are packed, and drained in place, allocate nothing', () => {
  const { producer, consumer, target } = events();
  const packed = new Uint8Array(24 * 64).fill(7);
  let sum = 0;
  const handler: EventHandler = ({ source, at }) => {
    sum += source[at] as number;
  };
  expectZeroAllocation(() => {
    producer.enqueuePacked(target, packed, 24);
    consumer.drain(handler);
  });
  expect(sum % 7).toBe(0);
});
