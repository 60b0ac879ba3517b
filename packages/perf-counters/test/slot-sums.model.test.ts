// The sums of the kernel over all interleavings of a writer that crosses 2^31, one that opens its slot, and a reader: the reader gets
// what the first had at some moment, with all or nothing of the second's, and never less than before.
import { killsMutants, poke, type Mutant, type Scenario } from '@corelane/interleave';
import { amount } from '@corelane/shared-memory';
import { expect, test } from 'vitest';
import type * as SlotSums from '../kernel/slot-sums.ts';
import { WRITER_CLAIMED, WRITER_FREE, writerRecord } from '../src/layout.ts';
import { addAmount, addTally, store } from './kernel/writing.ts';

const TWO_31 = 2 ** 31;
const { low: LOW, high: HIGH, large: LARGE } = amount.offset;
/** Two directories of one entry, and the slots that they lead to. */
const ENTRIES = [0, 8] as const;
const SLOTS = [32, 64] as const;
const [FIRST, SECOND] = SLOTS;
/** Highest address that a slot has here. */
const MOST = SECOND;
const BEHIND = 16;
const TALLIES_BEHIND = 24;

const memory = {
  bytes: 96,
  names: {
    [ENTRIES[0]]: 'entry 0',
    [ENTRIES[1]]: 'entry 1',
    [FIRST + LOW]: 'low 0',
    [FIRST + HIGH]: 'high 0',
    [FIRST + LARGE]: 'large 0',
    [SECOND + LOW]: 'low 1',
    [SECOND + HIGH]: 'high 1',
  },
  // Aligned 32-bit words that one thread writes, as the protocol of tallies has it.
  allowRaces: [{ at: FIRST + LOW, bytes: 4 }],
};

function total(kernel: typeof SlotSums, low: number): number {
  return low >= 0 ? low : ~low + (kernel.sumHigh() >>> 0) * TWO_31;
}

/** As additions would have left it. */
function setTally(at: number, value: number): void {
  poke(at + LOW, value | 0);
  poke(at + HIGH, Math.floor(value / TWO_31) | 0);
}

const counting =
  (name: string, adds: readonly number[], from: number) =>
  (kernel: typeof SlotSums): Scenario => {
    const others = 7;
    const read = (): number => total(kernel, kernel.sumTallies(ENTRIES[0], 8, 2, LOW, 1, MOST));
    const totals = [from];
    for (const n of adds) totals.push((totals.at(-1) as number) + n);
    return {
      ...memory,
      name,
      setup: () => {
        poke(ENTRIES[0], FIRST);
        setTally(FIRST, from);
      },
      threads: [
        () => adds.forEach((n) => addTally(FIRST, n)),
        () => {
          store(SECOND + LOW, others);
          store(ENTRIES[1], SECOND); // as Writer.openSlot
        },
        () => [read(), read()],
      ],
      check: ([, , reads]: readonly number[][]) => {
        const [one, two] = reads as [number, number];
        const possible = totals.flatMap((each) => [each, each + others]);
        if (!possible.includes(one) || !possible.includes(two) || two < one)
          return `read ${one}, then ${two}`;
        const end = read();
        return end === (totals.at(-1) as number) + others ? undefined : `ended with ${end}`;
      },
    };
  };

/** Sums of what does not change meanwhile: epochs, ranges of tallies, amounts. */
const arithmetic = (kernel: typeof SlotSums): Scenario => ({
  ...memory,
  name: 'several tallies, and amounts of 2^31 and more, of two writers',
  setup: () => {
    SLOTS.forEach((slot, i) => {
      poke(ENTRIES[i] as number, slot);
      setTally(slot + BEHIND, 3 * TWO_31 + TWO_31 - 1 - i);
      setTally(slot + TALLIES_BEHIND, 5 + i);
    });
  },
  threads: [
    () => addAmount(FIRST, 1, 2 ** 20),
    () => total(kernel, kernel.sumTallies(ENTRIES[0], 8, 2, BEHIND, 2, MOST)),
  ],
  check: ([, tallies]: readonly unknown[]) => {
    const expected = 2 * (4 * TWO_31) - 3 + 11;
    if (tallies !== expected) return `tallies: ${String(tallies)}, expected ${expected}`;
    const amounts = total(kernel, kernel.sumAmounts(ENTRIES[0], 8, 2, LOW, MOST));
    if (amounts !== 2 ** 52 + 1) return `amounts: ${amounts}`;
    const small = kernel.sumTallies(ENTRIES[0], 8, 2, TALLIES_BEHIND, 1, MOST);
    const none = kernel.sumTallies(ENTRIES[1], 8, 0, TALLIES_BEHIND, 1, MOST);
    const slots = kernel.countSlots(ENTRIES[0], 8, 2, MOST);
    return small === 11 && none === 0 && slots === 2 ? undefined : `${small}, ${none}, ${slots} slots`;
  },
});

const RECORDS = 128;
const recordAt = (writer: number, word: 'state' | 'claims'): number =>
  RECORDS + writer * writerRecord.bytes + writerRecord.offset[word];

/** Four records: released, never finished claiming and reclaimed, never claimed; the last but one is claimed meanwhile. */
const claiming = (kernel: typeof SlotSums): Scenario => ({
  bytes: RECORDS + 4 * writerRecord.bytes,
  name: 'writers that are used',
  setup: () => poke(recordAt(0, 'claims'), 1),
  threads: [
    () => {
      // As Writer.claim, and the store of a slot that follows.
      store(recordAt(2, 'state'), WRITER_CLAIMED);
      store(recordAt(2, 'claims'), 1);
      store(recordAt(2, 'state'), WRITER_FREE);
    },
    () => {
      const used = kernel.usedWriters(RECORDS, 0, 4);
      return [used, kernel.usedWriters(RECORDS, used, 4)];
    },
  ],
  check: ([, found]: readonly number[][]) => {
    const possible = ['1,1', '1,3', '3,3'];
    if (!possible.includes(String(found))) return `found ${String(found)}`;
    const end = kernel.usedWriters(RECORDS, 1, 4);
    return end === 3 && kernel.usedWriters(RECORDS, 4, 4) === 4 ? undefined : `ended with ${end}`;
  },
});

/** An address at which no slot can be, from anyone who has the handle, is no slot: neither counted nor followed. */
const misled =
  (where: string, address: number) =>
  (kernel: typeof SlotSums): Scenario => ({
    ...memory,
    name: `an entry that leads ${where}`,
    setup: () => {
      poke(ENTRIES[1], SECOND);
      setTally(SECOND, 7);
    },
    threads: [
      () => store(ENTRIES[0], address),
      () => {
        const slots = kernel.countSlots(ENTRIES[0], 8, 2, MOST);
        if (slots !== 1) return [slots];
        return [
          slots,
          total(kernel, kernel.sumTallies(ENTRIES[0], 8, 2, LOW, 1, MOST)),
          total(kernel, kernel.sumAmounts(ENTRIES[0], 8, 2, LOW, MOST)),
        ];
      },
    ],
    check: ([, found]: readonly number[][]) =>
      found?.join() === '1,7,7' ? undefined : `found ${String(found)}`,
  });

const mutants: Mutant[] = [
  { name: 'follows an address below the arena', find: 'slot > 0 &&', replace: 'slot != 0 &&' },
  { name: 'follows an address so near the end that no slot fits', find: 'slot <= most &&', replace: '' },
  {
    name: 'follows an address that is not aligned',
    find: '(slot & SLOT_ALIGN_MASK) == 0',
    replace: 'true',
  },
  {
    name: 'follows an address that is aligned to a word only',
    find: 'SLOT_ALIGN_MASK: i32 = 7',
    replace: 'SLOT_ALIGN_MASK: i32 = 3',
  },
  {
    name: 'takes a writer that is being claimed for one that never was',
    find: 'if (load(record + WRITER_RECORD_STATE) != WRITER_FREE) return writer;',
    replace: '',
  },
  {
    name: 'takes a writer that was released for one that never was',
    find: 'if (load(record + WRITER_RECORD_CLAIMS) != 0) return writer;',
    replace: '',
  },
  {
    name: 'stops at the first writer that was never claimed',
    find: 'for (let writer = writers; writer > known; writer--) {',
    replace: 'for (let writer = known + 1; writer <= known + 1; writer++) {',
  },
  {
    name: 'believes the low word whatever the high word does',
    find: 'if (load(at + TALLY_HIGH) == before) {',
    replace: 'if (before == before) {',
  },
  {
    name: 'takes the epoch that the high word says',
    find: '(before & 1) == low >>> 31 ? before : (before - 1) | 0',
    replace: 'before',
  },
  {
    name: 'loses what goes beyond 31 bits',
    find: '(high + epoch + (next >>> 31)) | 0',
    replace: '(high + epoch) | 0',
  },
  { name: 'takes bit 31 of the low word twice', find: 'low & LOW_31', replace: 'low' },
  { name: 'starts from the last sum', find: 'sumLow = 0;\n  high = 0;', replace: 'sumLow = 0;' },
  {
    name: 'forgets large amounts',
    find: 'high = (high + load(slot + offset + AMOUNT_LARGE)) | 0;',
    replace: '',
  },
  {
    name: 'sums the first tally only',
    find: 'first + tallies * TALLY_BYTES',
    replace: 'first + TALLY_BYTES',
  },
  {
    name: 'stops at a writer that has no slot',
    find: 'if (slot != 0) {\n      const first',
    replace: 'if (slot == 0) {\n return result();\n } else {\n      const first',
  },
];

test('sums are of moments that were, and the mutants are killed', () => {
  const { baseline, kills } = killsMutants<typeof SlotSums>({
    kernel: new URL('../kernel/slot-sums.ts', import.meta.url),
    mutants,
    scenarios: [
      counting('a carry', [1, 1], TWO_31 - 1),
      counting('the second carry, and one more', [1, TWO_31 - 1], 2 * TWO_31 - 1),
      arithmetic,
      late,
      claiming,
      claimedNow,
      misled('below the arena', -8),
      misled('beyond the last place', MOST + 8),
      misled('between two words', FIRST + 2),
      misled('to the second half of eight bytes', FIRST + 4),
    ],
  });
  expect(baseline.every(({ complete }) => complete)).toBe(true);
  expect(kills).toHaveLength(mutants.length);
});

/** One that is held, and has not got to its number of claims yet. */
const claimedNow = (kernel: typeof SlotSums): Scenario => ({
  bytes: RECORDS + 4 * writerRecord.bytes,
  name: 'a writer in the middle of a claim',
  threads: [() => store(recordAt(0, 'state'), WRITER_CLAIMED), () => kernel.usedWriters(RECORDS, 0, 1)],
  check: () => (kernel.usedWriters(RECORDS, 0, 4) === 1 ? undefined : 'a held writer is not seen'),
});

/** The first writer opens its slot when the second has one for long. */
function late(kernel: typeof SlotSums): Scenario {
  const read = (): number => total(kernel, kernel.sumTallies(ENTRIES[0], 8, 2, LOW, 1, MOST));
  return {
    ...memory,
    name: 'the first writer opens its slot last',
    setup: () => {
      poke(ENTRIES[1], SECOND);
      setTally(SECOND, 7);
    },
    threads: [() => store(ENTRIES[0], FIRST), () => [read(), read()]],
    check: ([, reads]: readonly number[][]) =>
      reads?.join() === '7,7' ? undefined : `read ${String(reads)}`,
  };
}
