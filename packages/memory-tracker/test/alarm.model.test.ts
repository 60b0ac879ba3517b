// All interleavings of kernel/alarm.ts: in the end the alarm is what the bytes held say, and each crossing was told once.
import { killsMutants, peek, poke, type Mutant, type Scenario } from '@corelane/interleave';
import { expect, test } from 'vitest';
import type * as Kernel from '../kernel/index.ts';
import {
  ALARM_RAISED,
  ALARM_RECOVERED,
  ALARM_SETTLED,
  BYTES_HIGH_MASK,
  tagCell,
  TRACK_UNSETTLED,
  workerSlot,
} from '../src/layout.ts';

type K = typeof Kernel;

const TAG = 0;
const { current, hard, soft, recover, alarm } = tagCell.offset;
const slot = (worker: number): number => tagCell.bytes + worker * workerSlot.bytes;
const MEMORY = {
  bytes: tagCell.bytes + 2 * workerSlot.bytes,
  names: { [TAG + current]: 'current', [TAG + alarm]: 'alarm' },
};
const SOFT = 5;
const RECOVER = 3;

/** What SharedRecorder does with an outcome. @returns changes of the alarm, as digits */
function settle(k: K, outcome: number): number {
  let changes = 0;
  if (outcome !== TRACK_UNSETTLED) return changes;
  for (let change = k.settleAlarm(TAG); change !== ALARM_SETTLED; change = k.settleAlarm(TAG))
    changes = changes * 10 + change;
  return changes;
}

const alloc = (k: K, worker: number, bytes: number): number =>
  settle(k, k.trackAlloc(TAG, slot(worker), bytes, 0, 1));
const dealloc = (k: K, worker: number, bytes: number): number =>
  settle(k, k.trackDealloc(TAG, slot(worker), bytes, 0, 1));

function begin(bytes: number, alarms: number): void {
  poke(TAG + hard, -1);
  poke(TAG + hard + 4, BYTES_HIGH_MASK);
  poke(TAG + soft, SOFT);
  poke(TAG + recover, RECOVER);
  poke(TAG + current, bytes);
  poke(TAG + alarm, alarms);
}

/** @param isAbove what the alarm has to say in the end; undefined where both are right */
const scenario = (
  name: string,
  begins: [bytes: number, alarms: number],
  isAbove: boolean | undefined,
  threads: readonly ((() => number) | (() => number[]))[],
): Scenario => ({
  ...MEMORY,
  name,
  setup: () => begin(...begins),
  threads,
  check: (results: readonly (number | number[])[]) => {
    const told = results.flat().flatMap((changes) => Array.from(String(changes), Number));
    const raised = told.filter((change) => change === ALARM_RAISED).length;
    const recovered = told.filter((change) => change === ALARM_RECOVERED).length;
    const alarms = peek(TAG + alarm);
    if (alarms !== begins[1] + raised + recovered)
      return `alarm ${alarms} after ${raised} raised, ${recovered} recovered`;
    if (isAbove !== undefined && (alarms & 1) !== (isAbove ? 1 : 0))
      return `alarm ${alarms}, with ${peek(TAG + current)} bytes held`;
    return undefined;
  },
});

const scenarios = [
  (k: K) => scenario('two cross it', [4, 0], true, [() => alloc(k, 0, 3), () => alloc(k, 1, 3)]),
  (k: K) =>
    scenario('one crosses it while another frees', [3, 0], false, [
      () => alloc(k, 0, 3),
      () => dealloc(k, 1, 3),
    ]),
  (k: K) =>
    scenario('one recovers while another crosses it again', [7, 1], true, [
      () => dealloc(k, 0, 4),
      () => alloc(k, 1, 4),
    ]),
  (k: K) =>
    scenario('both cross it and recover', [0, 0], false, [
      () => [alloc(k, 0, 6), dealloc(k, 0, 6)],
      () => [alloc(k, 1, 6), dealloc(k, 1, 6)],
    ]),
  (k: K) => scenario('one frees, but not enough', [7, 1], true, [() => dealloc(k, 0, 3)]),
  (k: K) => scenario('between both limits it stays', [4, 1], true, [() => settle(k, TRACK_UNSETTLED)]),
  (k: K) => scenario('one allocates up to it', [0, 0], false, [() => alloc(k, 0, 5)]),
];

const mutants: Mutant[] = [
  {
    name: 'tells a crossing that another thread has told',
    find: `    if (compareExchange(tag + TAG_CELL_ALARM, alarm, (alarm + 1) | 0) == alarm)`,
    replace: `    compareExchange(tag + TAG_CELL_ALARM, alarm, (alarm + 1) | 0);`,
  },
  {
    name: 'recovers as soon as it is not above the soft limit',
    find: '!isAbove && !isBelow64(lowHalf(recover), highHalf(recover), bytesLow, bytesHigh)',
    replace: '!isAbove',
  },
  {
    name: 'never recovers',
    find: 'if ((alarm & 1) == 0 ? !isAbove : !isRecovered) return ALARM_SETTLED;',
    replace: 'if ((alarm & 1) != 0 || !isAbove) return ALARM_SETTLED;',
  },
  {
    name: 'an allocation looks at the alarm before it allocates',
    find: `    if (replace64(tag + TAG_CELL_CURRENT, seen, next) == 0) continue;
    // A difference`,
    replace: `    const before = load(tag + TAG_CELL_ALARM);
    if (replace64(tag + TAG_CELL_CURRENT, seen, next) == 0) continue;
    if ((before & 1) != 0) return TRACK_DONE;
    // A difference`,
  },
];

test('the alarm follows what is held, and the mutants are killed', () => {
  const { baseline, kills } = killsMutants<K>({
    kernel: new URL('../kernel/index.ts', import.meta.url),
    mutants,
    scenarios,
  });
  expect(baseline.every(({ complete }) => complete)).toBe(true);
  expect(kills.map(({ mutant }) => mutant)).toEqual(mutants.map(({ name }) => name));
});
