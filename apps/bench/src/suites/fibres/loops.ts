// Loops with checkpoints against the same without: the same file, imported twice.
import type { BatchCase, BatchGroup } from '../../suite.ts';
import { Held } from '../state/held.ts';
import { type LoopModule, loadPlain, loadTransformed } from './loop-modules.ts';

/** What a checkpoint may cost. */
const MOST = 1.15;

type LoopName = keyof LoopModule;

/** What each returns, whatever was done to its loops. */
const LOOPS: Readonly<Record<LoopName, { readonly title: string; readonly result: number }>> = {
  sum: { title: 'Sum of 4096 numbers: nothing but an addition', result: 2_045_640 },
  multiply: { title: 'Product of two matrices of 48 × 48', result: 2389 },
  primes: { title: 'Primes below 8192, by a sieve', result: 1028 },
  scan: { title: 'Spaces in a text of 4096 characters', result: 682 },
  walk: { title: 'Sum over a list of 2048 links', result: 2_098_176 },
  countWords: { title: 'Words of a text counted in a Map', result: 3 },
};

function loopCase(
  name: string,
  role: 'ours' | 'limit',
  loop: LoopName,
  load: () => Promise<LoopModule>,
): BatchCase {
  const held = new Held<() => number>();
  const { result } = LOOPS[loop];
  return {
    name,
    role,
    allocation: loop !== 'countWords',
    async setup() {
      held.set((await load())[loop]);
    },
    batch(operations) {
      const run = held.get();
      let successful = 0;
      for (let operation = 0; operation < operations; operation++) if (run() === result) successful++;
      return successful;
    },
    check: () => undefined, // each result was looked at
    teardown: () => void held.take(),
  };
}

export const loops: readonly BatchGroup[] = (Object.keys(LOOPS) as LoopName[]).map((loop) => ({
  kind: 'batch',
  name: `loop-${loop}`,
  title: LOOPS[loop].title,
  note: 'One operation is all of it. Both are of one file, read, and imported from a place of its own.',
  cases: [
    loopCase('with checkpoints', 'ours', loop, loadTransformed),
    loopCase('as it is written', 'limit', loop, loadPlain),
  ],
  claims: [{ of: 'with checkpoints', against: 'as it is written', atMost: MOST }],
}));
