// One state transition of the word, JS call included, against the same load, rule and CAS without any call.
import { Recorded } from '@corelane/atomic-state';
import type { BatchCase, BatchGroup } from '../../suite.ts';
import { BYTES_PER_OP } from '../../suite.ts';
import { BenchEndpoint } from './endpoint.ts';
import { Held } from './held.ts';
import { BareWord, bigintCas } from './words.ts';

const OURS = 'recordDelivery';
/** Of the breaker's first era, not a probe. */
const ADMISSION = 0;

const LIMIT = 'same transition, Wasm loop';

function ours(): BatchCase {
  const held = new Held<BenchEndpoint>();
  return {
    name: OURS,
    role: 'ours',
    allocation: true,
    setup: () => void held.set(new BenchEndpoint()),
    batch(operations) {
      const { machine, index } = held.get();
      const admission = machine.tryAcquire(index);
      let successful = 0;
      for (let operation = 0; operation < operations; operation++)
        if (machine.recordDelivery(index, true, admission) === Recorded.Counted) successful++;
      return successful;
    },
    check: ({ operations }) => held.get().checkDeliveries(operations),
    teardown: () => held.take()?.[Symbol.dispose](),
  };
}

function bareCas(): BatchCase {
  const held = new Held<BareWord>();
  return {
    name: 'bare CAS, Wasm loop',
    role: 'limit',
    note: 'load and CAS of one 64-bit word, 1 added: no call, no rule',
    setup: () => void held.set(new BareWord()),
    batch(operations) {
      const { kernel, at } = held.get();
      return kernel.addByCas(at, operations);
    },
    check: ({ operations }) => held.get().check(operations),
    teardown: () => void held.take(),
  };
}

function sameTransition(): BatchCase {
  const held = new Held<{ word: BareWord; cell: number; clock: number }>();
  return {
    name: LIMIT,
    role: 'limit',
    note: 'the kernel function that recordDelivery calls, compiled into a Wasm loop: what the call from JS costs is the difference',
    setup() {
      const word = new BareWord();
      const cell = word.arena.allocate(word.kernel.endpointBytes());
      word.kernel.createEndpoint(cell);
      held.set({ word, cell, clock: word.arena.allocate(4) });
    },
    batch(operations) {
      const { word, cell, clock } = held.get();
      return word.kernel.transitions(cell, ADMISSION, clock, operations);
    },
    check({ operations }) {
      const { word, cell } = held.get();
      word.kernel.observe(cell);
      const version = word.kernel.low() & 255;
      return version === operations % 256 ? undefined : `version ${version}, expected ${operations % 256}`;
    },
    teardown: () => void held.take(),
  };
}

function bigint(): BatchCase {
  const held = new Held<BareWord>();
  return {
    name: 'bare CAS, BigInt in JS',
    role: 'peer',
    allocation: true,
    note: 'Atomics.load and compareExchange on a BigUint64Array: a 64-bit word without Wasm',
    setup: () => void held.set(new BareWord()),
    batch(operations) {
      const { words, at } = held.get();
      return bigintCas(words, at >> 3, operations);
    },
    check: ({ operations }) => held.get().check(operations),
    teardown: () => void held.take(),
  };
}

const empty: BatchCase = {
  name: 'empty loop',
  role: 'empty',
  batch(operations) {
    let successful = 0;
    for (let operation = 0; operation < operations; operation++) successful++;
    return successful;
  },
  check: () => undefined,
};

export const transition: BatchGroup = {
  kind: 'batch',
  name: 'transition',
  title: 'One state transition, JS call included',
  note: 'One operation is recordDelivery(endpoint, true, admission) on a closed breaker: one CAS.',
  cases: [ours(), bareCas(), sameTransition(), bigint(), empty],
  claims: [
    { of: OURS, against: LIMIT, atMost: 1.6 },
    { of: OURS, metric: BYTES_PER_OP, atMost: 0 },
  ],
};
