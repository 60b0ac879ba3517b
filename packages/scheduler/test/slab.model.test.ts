// All interleavings of the slab: a block is in one place, and none is lost.
import { explore, killsMutants, peek, phases, poke, type Mutant, type Scenario } from '@corelane/interleave';
import { describe, expect, test } from 'vitest';
import * as kernel from '../kernel/slab.ts';
import {
  GRANULE_BYTES,
  schedulerRoot,
  slabBlock,
  slabClass,
  slabLink,
  slabRoot,
  slotHead,
} from '../src/layout.ts';
import { writeWord } from './kernel/words.ts';
import { BYTES, S, slotAt, start } from './model.ts';

type Kernel = typeof kernel;

const CLASSES = 2;
const SLAB = (BYTES + 127) & ~127;
const LINKS = SLAB + slabRoot.bytes + CLASSES * slabClass.bytes;
const MAX_GRANULES = 4;
/** A word for each granule, in the place of its bytes. */
const MARKS = LINKS + MAX_GRANULES * slabLink.bytes;
const headAt = (sizeClass: number): number =>
  SLAB + slabRoot.bytes + sizeClass * slabClass.bytes + slabClass.offset.head;

const NAMES: Readonly<Record<number, string>> = {
  [SLAB + slabRoot.offset.cut]: 'cut',
  [headAt(0)]: 'small',
  [headAt(1)]: 'large',
  ...Object.fromEntries([0, 1, 2, 3].map((i) => [MARKS + 4 * i, `granule${i}`])),
  ...Object.fromEntries([0, 1].map((i) => [slotAt(i) + slotHead.offset.block, `block${i}`])),
};

function granulesOf(block: number): number[] {
  if (block <= 0) return [];
  const { granule, sizeClass } = slabBlock.field;
  const first = ((block >>> granule.shift) & granule.mask) - 1;
  return Array.from({ length: 2 ** ((block >>> sizeClass.shift) & sizeClass.mask) }, (_, i) => first + i);
}

/** Takes a block and writes all over it. @returns its granules */
const take = (k: Kernel, slot: number, sizeClass: number) => (): readonly number[] => {
  const granules = granulesOf(k.takeBlock(S, slot, sizeClass));
  for (const granule of granules) writeWord(MARKS + 4 * granule, slot + 1);
  return granules;
};
const free = (k: Kernel, slot: number) => (): readonly number[] => {
  k.freeBlock(S, slot);
  return [];
};
const thread = (...acts: readonly (() => readonly number[])[]): Scenario['threads'][number] =>
  phases([] as readonly number[], ...acts);

/** Granules that are in no slot and in no free list, or in more than one. */
function misplaced(): string | undefined {
  const cut = peek(SLAB + slabRoot.offset.cut);
  const found = [0, 1].flatMap((slot) => granulesOf(peek(slotAt(slot) + slotHead.offset.block)));
  for (let sizeClass = 0; sizeClass < CLASSES; sizeClass++)
    for (let top = peek(headAt(sizeClass)), i = 0; top !== 0 && i < 9; top = peek(LINKS + (top - 1) * 4), i++)
      for (let j = 0; j < 2 ** sizeClass; j++) found.push(top - 1 + j);
  const expected = Array.from({ length: cut }, (_, i) => i).join();
  const sorted = found.toSorted((a, b) => a - b).join();
  return sorted === expected ? undefined : `granules ${sorted}, expected ${expected}`;
}

const scenario = (
  name: string,
  granules: number,
  threads: Scenario['threads'],
  check: (results: readonly unknown[]) => string | undefined = misplaced,
): Scenario => ({
  name,
  bytes: MARKS + 4 * MAX_GRANULES,
  names: NAMES,
  setup: () => {
    start(2, 2);
    poke(S + schedulerRoot.offset.slabAt, SLAB);
    poke(SLAB + slabRoot.offset.granules, granules);
    poke(SLAB + slabRoot.offset.classes, CLASSES);
    poke(SLAB + slabRoot.offset.linksAt, LINKS);
    for (let sizeClass = 0; sizeClass < CLASSES; sizeClass++)
      poke(
        SLAB + slabRoot.bytes + sizeClass * slabClass.bytes + slabClass.offset.most,
        granules - (2 ** CLASSES - 2 ** (sizeClass + 1)),
      );
  },
  threads,
  check,
  maxSteps: 400,
});

const SCENARIOS: ((k: Kernel) => Scenario)[] = [
  (k) =>
    scenario('two threads take, free and take again', 4, [
      thread(take(k, 0, 0), free(k, 0), take(k, 0, 0)),
      thread(take(k, 1, 0), free(k, 1), take(k, 1, 0)),
    ]),
  (k) =>
    scenario('a block of another size takes the place of the first', 4, [
      thread(take(k, 0, 0), take(k, 0, 1)),
      thread(take(k, 1, 0), take(k, 1, 0), free(k, 1)),
    ]),
  (k) =>
    scenario(
      'small blocks leave room for a large one',
      3,
      [thread(take(k, 0, 0)), thread(take(k, 1, 0))],
      () => {
        const sizes = [0, 1].map((slot) => granulesOf(peek(slotAt(slot) + slotHead.offset.block)).length);
        return sizes.toSorted((a, b) => a - b).join() === '1,2' ? misplaced() : `blocks of ${sizes.join()}`;
      },
    ),
];

const MUTANTS: Mutant[] = [
  {
    name: 'a block is cut without the exchange',
    find: 'if (compareExchange(slab + SLAB_ROOT_CUT, granule, next) == granule) return granule;',
    replace: 'set(slab + SLAB_ROOT_CUT, next); return granule;',
  },
  {
    name: 'a block that was freed stays with its slot',
    find: '    );\n  set(word, 0);',
    replace: '    );',
  },
  {
    name: 'a block that another takes the place of is not freed',
    find: '    freeBlock(scheduler, slot);\n',
    replace: '',
  },
  {
    name: 'a block is not written into its slot',
    find: 'set(word, block);',
    replace: '',
  },
  {
    name: 'a block goes into the list of another size',
    find: 'classAt(slab, sizeClass) + SLAB_CLASS_HEAD,',
    replace: 'classAt(slab, 1) + SLAB_CLASS_HEAD,',
  },
  {
    name: 'small blocks may use up everything',
    find: 'if (next > most) return -1;',
    replace: 'if (next > get(slab + SLAB_ROOT_GRANULES)) return -1;',
  },
];

describe('the slab, all interleavings', () => {
  test('granules are whole lines', () => {
    expect(GRANULE_BYTES % 128).toBe(0);
  });

  test.each(SCENARIOS.map((make) => [make(kernel).name, make] as const))('%s', (_, make) => {
    expect(explore(make(kernel)).complete).toBe(true);
  });

  test('these scenarios kill every mutant', { timeout: 60_000 }, () => {
    const { kills } = killsMutants<Kernel>({
      kernel: new URL('../kernel/slab.ts', import.meta.url),
      mutants: MUTANTS,
      scenarios: SCENARIOS,
    });
    expect(kills).toHaveLength(MUTANTS.length);
  });
});
