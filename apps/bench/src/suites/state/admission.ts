// A call that is admitted and succeeds: ask before, tell after, nothing in between.
import { Recorded } from '@corelane/atomic-state';
import { type CircuitBreakerPolicy, CircuitState } from 'cockatiel';
import type OpossumBreaker from 'opossum';
import { type BatchCase, type BatchGroup, BYTES_PER_OP } from '../../suite.ts';
import { BenchEndpoint, FAILURE_THRESHOLD, FAILURE_WINDOW_MS } from './endpoint.ts';
import { Held } from './held.ts';
import { ObjectBreaker } from './object-breaker.ts';
import { createCockatiel, createOpossum } from './peers.ts';

const OURS = 'tryAcquire + recordDelivery';
const OPOSSUM = 'opossum.fire';
const COCKATIEL = 'cockatiel.execute';

function succeed(): boolean {
  return true;
}

function ours(): BatchCase {
  const held = new Held<BenchEndpoint>();
  return {
    name: OURS,
    role: 'ours',
    allocation: true,
    setup: () => void held.set(new BenchEndpoint()),
    batch(operations) {
      const { machine, index } = held.get();
      let successful = 0;
      for (let operation = 0; operation < operations; operation++) {
        const admission = machine.tryAcquire(index);
        if (admission >= 0 && machine.recordDelivery(index, true, admission) === Recorded.Counted)
          successful++;
      }
      return successful;
    },
    check: ({ operations }) => held.get().checkDeliveries(operations),
    teardown: () => held.take()?.[Symbol.dispose](),
  };
}

function execute(): BatchCase {
  const held = new Held<BenchEndpoint>();
  return {
    name: 'StateMachine.execute',
    role: 'ours',
    allocation: true,
    note: 'the same as one async function, as the peers have it',
    setup: () => void held.set(new BenchEndpoint()),
    async batch(operations) {
      const { machine, index } = held.get();
      let successful = 0;
      for (let operation = 0; operation < operations; operation++)
        if (await machine.execute(index, succeed)) successful++;
      return successful;
    },
    check: ({ operations }) => held.get().checkDeliveries(operations),
    teardown: () => held.take()?.[Symbol.dispose](),
  };
}

function opossum(): BatchCase {
  const held = new Held<OpossumBreaker<[], boolean>>();
  return {
    name: OPOSSUM,
    role: 'peer',
    allocation: true,
    note: 'no timeout, no percentiles, no snapshots; counts in its rolling window',
    setup: () => void held.set(createOpossum()),
    async batch(operations) {
      const breaker = held.get();
      let successful = 0;
      for (let operation = 0; operation < operations; operation++) if (await breaker.fire()) successful++;
      return successful;
    },
    check({ operations }) {
      const { closed, stats } = held.get();
      const fine = closed && stats.failures === 0 && stats.successes > 0 && stats.successes <= operations;
      return fine ? undefined : `closed ${closed}, ${stats.failures} failures, ${stats.successes} successes`;
    },
    teardown: () => held.take()?.shutdown(),
  };
}

function cockatiel(): BatchCase {
  const held = new Held<CircuitBreakerPolicy>();
  return {
    name: COCKATIEL,
    role: 'peer',
    allocation: true,
    note: 'ConsecutiveBreaker, the cheapest it has: it keeps no window',
    setup: () => void held.set(createCockatiel()),
    async batch(operations) {
      const policy = held.get();
      let successful = 0;
      for (let operation = 0; operation < operations; operation++)
        if (await policy.execute(succeed)) successful++;
      return successful;
    },
    check() {
      const { state } = held.get();
      return state === CircuitState.Closed ? undefined : `state ${state}, expected ${CircuitState.Closed}`;
    },
    teardown: () => void held.take(),
  };
}

function plainObject(): BatchCase {
  const held = new Held<ObjectBreaker>();
  return {
    name: 'plain object',
    role: 'peer',
    note: 'one thread, no atomics, invisible to every other thread: what the shared word costs where nobody shares',
    setup: () => void held.set(new ObjectBreaker(FAILURE_THRESHOLD, FAILURE_WINDOW_MS)),
    batch(operations) {
      const breaker = held.get();
      let successful = 0;
      for (let operation = 0; operation < operations; operation++)
        if (breaker.tryAcquire()) {
          breaker.record(true, operation);
          successful++;
        }
      return successful;
    },
    check({ operations }) {
      const { successes, open } = held.get();
      return successes === operations && !open ? undefined : `${successes} successes, expected ${operations}`;
    },
    teardown: () => void held.take(),
  };
}

export const admission: BatchGroup = {
  kind: 'batch',
  name: 'admission',
  title: 'A no-op through a closed breaker',
  note: 'One operation asks the breaker, does nothing, and tells it of the success.',
  cases: [ours(), execute(), opossum(), cockatiel(), plainObject()],
  claims: [
    { of: OPOSSUM, against: OURS, atLeast: 15 },
    { of: COCKATIEL, against: OURS, atLeast: 5 },
    { of: OURS, metric: BYTES_PER_OP, atMost: 0 },
  ],
};
