import { expectZeroAllocation } from '@corelane/memory-tracker';
import { Arena, CoarseClock } from '@corelane/shared-memory';
import { expect, test } from 'vitest';
import { Refusal, StateMachine, type EndpointOptions } from '../src/index.ts';
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
