// Threads at the same time: on one endpoint, where they fight for one cache line, and on one each.
import { availableParallelism } from 'node:os';
import { StateMachine } from '@corelane/atomic-state';
import { Arena } from '@corelane/shared-memory';
import { Contenders } from '../../contention/contenders.ts';
import { entryUrl } from '../../entry-url.ts';
import type { BatchCase, BatchGroup } from '../../suite.ts';
import type { Work } from './contender.ts';
import { Held } from './held.ts';
import { BareWord } from './words.ts';

/** Deliveries that still fit the word's 16-bit count, so that it shows each one. */
const MAX_COUNTED = 60_000;
const VERSIONS = 256;

function start(threads: number, data: (index: number) => Work): Promise<Contenders> {
  return Contenders.start({ module: entryUrl('suites/state/contender'), contenders: threads, data });
}

interface Delivery {
  readonly machine: StateMachine;
  readonly contenders: Contenders;
}

/** Every thread records deliveries, on one endpoint or on one each. */
function deliver(name: string, threads: number, separate: boolean): BatchCase {
  const held = new Held<Delivery>();
  const nameOf = (index: number): string => `source/${separate ? index : 0}`;
  const endpoints = separate ? threads : 1;
  const counted = MAX_COUNTED - (MAX_COUNTED % threads);
  return {
    name,
    role: 'ours',
    opsPerBatch: threads,
    async setup() {
      const machine = StateMachine.create(Arena.create({ bytes: 1 << 20 }), { endpoints: 64 });
      for (let index = 0; index < endpoints; index++) machine.endpoint(nameOf(index));
      const contenders = await start(threads, (index) => ({
        kind: 'deliver',
        handle: machine.handle,
        endpoint: nameOf(index),
      }));
      held.set({ machine, contenders });
      // The counts saturate later: so a lost delivery is looked for here, one by one, and at the end modulo 256.
      await contenders.run(counted);
      for (let index = 0; index < endpoints; index++) {
        const { successes } = machine.snapshot(index);
        if (successes !== counted / endpoints)
          throw new Error(`endpoint ${index} counted ${successes} of ${counted / endpoints} deliveries`);
      }
    },
    batch: (operations) => held.get().contenders.run(operations),
    check({ operations }) {
      const expected = ((counted + operations) / endpoints) % VERSIONS;
      const wrong = held
        .get()
        .machine.snapshots()
        .filter(({ version, state, failures }) => version !== expected || state !== 'closed' || failures > 0);
      return wrong.length === 0
        ? undefined
        : wrong
            .map(
              ({ name: endpoint, version, state }) =>
                `${endpoint}: ${state}, version ${version}, expected ${expected}`,
            )
            .join('; ');
    },
    async teardown() {
      const value = held.take();
      await value?.contenders.stop();
      value?.machine[Symbol.dispose]();
    },
  };
}

/** Every thread counts one bare word up until each of its additions has succeeded. */
function count(name: string, kind: 'wasm' | 'bigint', threads: number): BatchCase {
  const held = new Held<{ word: BareWord; contenders: Contenders }>();
  return {
    name,
    role: kind === 'wasm' ? 'limit' : 'peer',
    opsPerBatch: threads,
    async setup() {
      const word = new BareWord();
      const contenders = await start(threads, () => ({ kind, handle: word.arena.handle, at: word.at }));
      held.set({ word, contenders });
    },
    batch: (operations) => held.get().contenders.run(operations),
    check: ({ operations }) => held.get().word.check(operations),
    teardown: () => held.take()?.contenders.stop(),
  };
}

function compare(name: string, title: string, threads: number): BatchGroup {
  return {
    kind: 'batch',
    name,
    title,
    note: 'ns/op is the time until the last thread is done by all operations: 1000 / it is million operations a second. Fairness 1: no thread was favoured.',
    cases: [
      deliver(`same endpoint, ${threads} threads`, threads, false),
      deliver(`an endpoint each, ${threads} threads`, threads, true),
      deliver('1 thread', 1, false),
      count(`same bare word, Wasm, ${threads} threads`, 'wasm', threads),
      count(`same bare word, BigInt, ${threads} threads`, 'bigint', threads),
    ],
  };
}

const CORES = Math.max(2, availableParallelism());

export const contention: BatchGroup = compare('contention', 'As many threads as cores', CORES);

export const oversubscription: BatchGroup = compare(
  'oversubscription',
  'Twice as many threads as cores: the kernel takes the CPU from each now and then',
  2 * CORES,
);
