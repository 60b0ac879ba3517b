// All interleavings of the RCU cell's kernel. Payloads are plain: a version written while somebody reads it is a race, or torn.
import {
  explore,
  killsMutants,
  peek,
  phases,
  type Mutant,
  type Scenario,
  type Thread,
} from '@corelane/interleave';
import { describe, expect, test } from 'vitest';
import { alignUp, LINE_BYTES } from '@corelane/shared-memory';
import { rcuRoot, rcuVersion, readerSlot } from '../src/layout.ts';
import type * as User from './kernel/rcu-user.ts';
import * as user from './kernel/rcu-user.ts';

type Kernel = typeof User;

const VERSIONS = 2;
const SLOTS = 2;
const { offset } = rcuRoot;
const RECORDS = rcuRoot.bytes + SLOTS * readerSlot.bytes;
const PAYLOADS = alignUp(RECORDS + VERSIONS * rcuVersion.bytes, LINE_BYTES);
const BYTES = PAYLOADS + (VERSIONS + 1) * LINE_BYTES;
const NAMES = {
  [offset.current]: 'current',
  [offset.epoch]: 'epoch',
  [offset.waiters]: 'waiters',
  [offset.ended]: 'ended',
  [offset.updaters]: 'updaters',
  [rcuRoot.bytes]: 'slot0',
  [rcuRoot.bytes + readerSlot.offset.epoch]: 'epoch0',
  [rcuRoot.bytes + readerSlot.bytes]: 'slot1',
  [rcuRoot.bytes + readerSlot.bytes + readerSlot.offset.epoch]: 'epoch1',
  [RECORDS]: 'retired0',
  [RECORDS + 4]: 'retired1',
  [PAYLOADS]: 'payload0',
  [PAYLOADS + LINE_BYTES]: 'payload1',
};

function idle(updates: number): string | undefined {
  const at = PAYLOADS + peek(offset.current) * LINE_BYTES;
  if (peek(at) !== updates || peek(at + 4) !== updates)
    return `payload ${peek(at)} and ${peek(at + 4)} after ${updates} updates`;
  if (peek(offset.waiters) !== 0) return `${peek(offset.waiters)} waiters are left`;
  for (let slot = 0; slot < SLOTS; slot++)
    if (peek(rcuRoot.bytes + slot * readerSlot.bytes + readerSlot.offset.epoch) !== 0)
      return `slot ${slot} still reads`;
  return peek(offset.updaters) === 0 ? undefined : `the mutex of the updaters is ${peek(offset.updaters)}`;
}

/** The first result is a reader's, what it found; the others say how often they updated. */
const whole = ([found, ...made]: readonly number[]): string | undefined => {
  const sum = made.reduce((a, b) => a + b, 0);
  return found! >= 0 && found! <= sum ? idle(sum) : `found ${found}`;
};

const scenario = (
  k: Kernel,
  name: string,
  threads: Scenario['threads'],
  check: NonNullable<Scenario['check']> = whole,
  more: Partial<Scenario> = {},
): Scenario => ({
  name,
  bytes: BYTES,
  names: NAMES,
  setup: () => k.initialize(VERSIONS),
  threads,
  check,
  maxSteps: 300,
  ...more,
});

/** One update after the other. @returns how many were made */
const updates = (k: Kernel, times: number, update: (me: number) => number = k.update): Thread =>
  phases(0, ...Array.from({ length: times }, () => (made: number) => made + update(2)));

const SCENARIOS = [
  (k: Kernel): Scenario =>
    scenario(k, 'a reader, and three updates that use both versions', [() => k.read(1), updates(k, 3)]),
  (k: Kernel): Scenario =>
    scenario(k, 'an update that finds a version or none', [() => k.read(1), updates(k, 2, k.updateIfFree)]),
  (k: Kernel): Scenario =>
    scenario(k, 'a section in another protects what the outer one got', [
      () => k.readTwice(1),
      updates(k, 2),
    ]),
  (k: Kernel): Scenario =>
    scenario(k, 'what is waited for is nobody’s afterwards', [() => k.read(1), () => k.replaceAndSpoil(2)]),
  (k: Kernel): Scenario =>
    scenario(
      k,
      'a wait for readers ends in time, and leaves nothing',
      [() => k.read(1), () => k.synchronizeInTime()],
      ([found]: readonly number[]) => (found === 0 ? idle(0) : `found ${found}`),
    ),
  (k: Kernel): Scenario =>
    scenario(k, 'two updaters take turns', [() => k.update(1), () => k.update(2)], () => idle(2)),
  (k: Kernel): Scenario =>
    scenario(
      k,
      'a reader dies: updates get on when it is recovered',
      [() => k.readAndDie(1), updates(k, 2), () => k.recoverDead(1, 3)],
      ([, made, had]: readonly number[]) => (had === 1 ? idle(made!) : `recovered ${had}`),
      { preemptions: 4 },
    ),
  (k: Kernel): Scenario =>
    scenario(
      k,
      'an updater dies: its draft was never made, the next one gets on',
      [() => k.updateAndDie(1), () => k.update(2), () => k.recoverDead(1, 3)],
      ([, made, had]: readonly number[]) => (had === 2 ? idle(made!) : `recovered ${had}`),
    ),
  (k: Kernel): Scenario =>
    scenario(
      k,
      'two readers and two updates',
      [() => k.read(1), () => k.read(3), updates(k, 2)],
      ([a, b, made]: readonly number[]) => whole([Math.min(a!, b!), made!]),
      { preemptions: 3 },
    ),
];

const file = '/rcu-cell.ts';
const ANNOUNCE = 'if (depth == 0) store(slot + READER_SLOT_EPOCH, load(cell + RCU_ROOT_EPOCH));';
const OBSERVE = 'return load(cell + RCU_ROOT_CURRENT); // observe: pairs with publish in publishVersion';
const MUTANTS: Mutant[] = [
  { name: 'a reader does not announce itself', find: ANNOUNCE, replace: '' },
  {
    name: 'a reader loads the version before it announces itself',
    find: `${ANNOUNCE}\n  ${OBSERVE}`,
    replace: `const version = load(cell + RCU_ROOT_CURRENT); ${ANNOUNCE} return version;`,
  },
  {
    name: 'an inner section replaces the epoch of the outer one',
    find: ANNOUNCE,
    replace: ANNOUNCE.replace('if (depth == 0) ', ''),
  },
  {
    name: 'an inner section ends the outer one',
    find: 'if (depth == 1) quiesce(cell, slot);',
    replace: 'quiesce(cell, slot);',
  },
  {
    name: 'a reader looks for waiters before it ends',
    find: 'store(slot + READER_SLOT_EPOCH, 0);\n  if (load(cell + RCU_ROOT_WAITERS) != 0) {',
    replace:
      'const waiters = load(cell + RCU_ROOT_WAITERS); store(slot + READER_SLOT_EPOCH, 0); if (waiters != 0) {',
    expect: 'deadlock',
  },
  {
    name: 'a reader that ends does not wake',
    find: 'notify(cell + RCU_ROOT_ENDED, -1);',
    replace: '',
    expect: 'deadlock',
  },
  {
    name: 'a reader that ends does not bump',
    find: 'add(cell + RCU_ROOT_ENDED, 1);',
    replace: '',
    expect: 'deadlock',
  },
  {
    name: 'who waits looks before it announces itself',
    find: 'add(cell + RCU_ROOT_WAITERS, 1); // publish: before the look; pairs with the load in quiesce',
    replace:
      'if (((oldestEpoch(cell) - epoch) | 0) < 0) { const early = load(cell + RCU_ROOT_ENDED); add(cell + RCU_ROOT_WAITERS, 1); wait(cell + RCU_ROOT_ENDED, early, timeoutUs); sub(cell + RCU_ROOT_WAITERS, 1); return 0; } add(cell + RCU_ROOT_WAITERS, 1);',
    expect: 'deadlock',
  },
  {
    name: 'who waits takes the number to park on after its look',
    find: 'wait(cell + RCU_ROOT_ENDED, turn, timeoutUs);',
    replace: 'wait(cell + RCU_ROOT_ENDED, load(cell + RCU_ROOT_ENDED), timeoutUs);',
    expect: 'deadlock',
  },
  {
    name: 'who waits does not take its announcement back',
    find: 'sub(cell + RCU_ROOT_WAITERS, 1);',
    replace: '',
    expect: 'check',
  },
  {
    name: 'a version is freed too early: it is stamped before the next one is published',
    find: 'store(cell + RCU_ROOT_CURRENT, version); // publish: the payload; pairs with observe in beginRead',
    replace:
      'set(recordOf(cell, old) + RCU_VERSION_RETIRED_AT, nextEpoch(cell)); store(cell + RCU_ROOT_CURRENT, version); if (1) return;',
    expect: 'race',
  },
  {
    name: 'a version is free as soon as it is not current',
    find: 'version != current && ((oldest - retiredAt) | 0) >= 0',
    replace: 'version != current',
    expect: 'race',
  },
  {
    name: 'the current version may be picked',
    find: 'version != current && ((oldest',
    replace: '((oldest',
  },
  {
    name: 'readers are looked for in all slots but the last',
    find: 'for (let i = 0; i < count; i++) {\n    // observe',
    replace: 'for (let i = 0; i < count - 1; i++) {\n    // observe',
  },
  {
    name: 'readers are not looked for',
    find: 'if (epoch != 0 && ((epoch - oldest) | 0) < 0) oldest = epoch;',
    replace: '',
  },
  {
    name: 'a version is not stamped when it retires',
    find: 'set(recordOf(cell, old) + RCU_VERSION_RETIRED_AT, nextEpoch(cell));',
    replace: 'nextEpoch(cell);',
    expect: 'race',
  },
  {
    name: 'the version is published plainly',
    find: 'store(cell + RCU_ROOT_CURRENT, version); // publish',
    replace: 'set(cell + RCU_ROOT_CURRENT, version); // publish',
    expect: 'race',
  },
  {
    name: 'recovery leaves a reader that died',
    find: 'quiesce(cell, slot);\n      had = 1;',
    replace: 'had = 1;',
  },
  {
    name: 'recovery frees the mutex of no updater',
    find: 'unlockMutex(updaters, me);',
    replace: '',
    expect: 'deadlock',
  },
].map((mutant) => ({ ...mutant, file })) as Mutant[];

describe('RCU cell, all interleavings', { timeout: 60_000 }, () => {
  test.each(SCENARIOS.map((make) => make(user)))('$name', (each) => {
    const found = explore(each);
    expect(found.complete).toBe(true);
    expect(found.accesses).toBeGreaterThan(0);
  });

  test('these scenarios kill every mutant', () => {
    const { kills } = killsMutants<Kernel>({
      kernel: new URL('./kernel/rcu-user.ts', import.meta.url),
      mutants: MUTANTS,
      scenarios: SCENARIOS,
    });
    expect(kills).toHaveLength(MUTANTS.length);
  });
});
