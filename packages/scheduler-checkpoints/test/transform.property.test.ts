// Programs made at random do the same with checkpoints as without, wherever these are.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { transformIn } from '../src/transform.ts';
import { countLooks, evaluate } from './evaluate.ts';
import { programs } from './programs.ts';

test.each([1, 2, 4, 1024])(
  'a program does the same, in the same order, with a checkpoint after %d turns',
  (turns) => {
    let loops = 0;
    fc.assert(
      fc.property(programs, fc.integer({ min: 0, max: 9 }), (program, n) => {
        const changed = transformIn(turns, program, { filename: 'program.cjs', functions: 'all' });
        loops += changed.loops;
        const expected = evaluate(program)['run'](n);
        let found: unknown;
        countLooks(() => (found = evaluate(changed.code)['run'](n)));
        expect(found).toEqual(expected);
      }),
      { numRuns: 400 },
    );
    expect(loops).toBeGreaterThan(400);
  },
);
