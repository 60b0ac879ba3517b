// A call that an open breaker refuses.
import { Refusal } from '@corelane/atomic-state';
import { BrokenCircuitError, type CircuitBreakerPolicy, CircuitState } from 'cockatiel';
import type OpossumBreaker from 'opossum';
import { type BatchCase, type BatchGroup, BYTES_PER_OP } from '../../suite.ts';
import { BenchEndpoint, FAILURE_THRESHOLD } from './endpoint.ts';
import { Held } from './held.ts';
import { Outage, createCockatiel, createOpossum, fail } from './peers.ts';

const OURS = 'tryAcquire, open';
const OPOSSUM = 'opossum.fire, open';
const COCKATIEL = 'cockatiel.execute, open';
const WITHOUT_STACKS = ', no stack traces';

function ours(): BatchCase {
  const held = new Held<BenchEndpoint>();
  return {
    name: OURS,
    role: 'ours',
    allocation: true,
    setup: () => held.set(new BenchEndpoint()).trip(),
    batch(operations) {
      const { machine, index } = held.get();
      let refused = 0;
      for (let operation = 0; operation < operations; operation++)
        if (machine.tryAcquire(index) === Refusal.Open) refused++;
      return refused;
    },
    check: () => held.get().checkOpen(),
    teardown: () => held.take()?.[Symbol.dispose](),
  };
}

/** Rejections by error: counts those that say so. Stack traces are a setting of the process, so they are one of the case here. */
async function countRejections(
  operations: number,
  stacks: boolean,
  attempt: () => Promise<unknown>,
  isRefusal: (error: unknown) => boolean,
): Promise<number> {
  const { stackTraceLimit } = Error;
  if (!stacks) Error.stackTraceLimit = 0;
  let refused = 0;
  try {
    for (let operation = 0; operation < operations; operation++) {
      try {
        await attempt();
      } catch (error) {
        if (isRefusal(error)) refused++;
      }
    }
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
  return refused;
}

function isOpossumRefusal(error: unknown): boolean {
  return (error as { code?: unknown }).code === 'EOPENBREAKER';
}

function isCockatielRefusal(error: unknown): boolean {
  return error instanceof BrokenCircuitError;
}

function throwOutage(): never {
  throw new Outage();
}

function opossum(stacks: boolean): BatchCase {
  const held = new Held<OpossumBreaker<[], boolean>>();
  return {
    name: OPOSSUM + (stacks ? '' : WITHOUT_STACKS),
    role: 'peer',
    allocation: stacks,
    async setup() {
      const breaker = held.set(createOpossum(() => Promise.reject(new Outage())));
      const failures = await fail(
        () => breaker.fire(),
        () => breaker.opened,
      );
      if (failures !== FAILURE_THRESHOLD)
        throw new Error(`opossum opened after ${failures} failures, expected ${FAILURE_THRESHOLD}`);
    },
    batch(operations) {
      const breaker = held.get();
      return countRejections(operations, stacks, () => breaker.fire(), isOpossumRefusal);
    },
    check: () => (held.get().opened ? undefined : 'not open'),
    teardown: () => held.take()?.shutdown(),
  };
}

function cockatiel(stacks: boolean): BatchCase {
  const held = new Held<CircuitBreakerPolicy>();
  return {
    name: COCKATIEL + (stacks ? '' : WITHOUT_STACKS),
    role: 'peer',
    allocation: stacks,
    ...(stacks
      ? {}
      : { note: 'Error.stackTraceLimit = 0 for the whole process, which costs every error its stack' }),
    async setup() {
      const policy = held.set(createCockatiel());
      const failures = await fail(
        () => policy.execute(throwOutage),
        () => policy.state === CircuitState.Open,
      );
      if (failures !== FAILURE_THRESHOLD)
        throw new Error(`cockatiel opened after ${failures} failures, expected ${FAILURE_THRESHOLD}`);
    },
    batch(operations) {
      const policy = held.get();
      return countRejections(operations, stacks, () => policy.execute(throwOutage), isCockatielRefusal);
    },
    check() {
      const { state } = held.get();
      return state === CircuitState.Open ? undefined : `state ${state}, expected ${CircuitState.Open}`;
    },
    teardown: () => void held.take(),
  };
}

export const rejection: BatchGroup = {
  kind: 'batch',
  name: 'rejection',
  title: 'A call that an open breaker refuses',
  note: 'Ours returns an outcome; the peers reject with an error, which the caller catches.',
  cases: [ours(), opossum(true), opossum(false), cockatiel(true), cockatiel(false)],
  claims: [
    { of: OPOSSUM, against: OURS, atLeast: 50 },
    { of: COCKATIEL, against: OURS, atLeast: 50 },
    { of: OURS, metric: BYTES_PER_OP, atMost: 0 },
  ],
};
