import { expect, test } from 'vitest';
import {
  InterleaveError,
  killsMutants,
  type Mutant,
  type MutationRun,
  peek,
  Violation,
} from '../src/index.ts';
import type * as entry from './kernel/entry.ts';

type Kernel = typeof entry;

const run = (...mutants: Mutant[]): MutationRun<Kernel> => ({
  kernel: new URL('./kernel/entry.ts', import.meta.url),
  mutants,
  scenarios: [
    ({ increment }) => ({
      name: 'two increments',
      bytes: 8,
      threads: [() => increment(0), () => increment(0)],
      check: () => (peek(0) === 2 ? undefined : `counted ${peek(0)}`),
    }),
  ],
});

function refusal(...mutants: Mutant[]): InterleaveError {
  try {
    killsMutants(run(...mutants));
  } catch (error) {
    if (error instanceof InterleaveError) return error;
    throw error;
  }
  throw new Error('expected a refusal');
}

const stepsByTwo: Mutant = { name: 'steps by two', find: '(lowHalf + 1) | 0', replace: '(lowHalf + 2) | 0' };
const harmless: Mutant = { name: 'harmless', find: 'load64(at);', replace: 'load64(at | 0);' };

test('a mutant of a file that the entry only re-exports is killed, and the kernel itself is searched first', () => {
  const { baseline, kills } = killsMutants(run(stepsByTwo));
  expect(baseline).toHaveLength(1);
  expect(baseline[0]!.accesses).toBeGreaterThan(0);
  expect(kills).toMatchObject([{ mutant: 'steps by two', scenario: 'two increments' }]);
  expect(kills[0]!.violation).toMatchObject({ kind: 'check', why: 'counted 4' });
});

test('survivors are named', () => {
  const { code, message } = refusal(stepsByTwo, harmless, { ...harmless, name: 'too' });
  expect(code).toBe('ERR_MUTANT_SURVIVED');
  expect(message).toBe('2 of 3 mutants survive:\n  harmless\n  too');
});

test('a mutant that dies of something else than expected counts as a survivor', () => {
  expect(refusal({ ...stepsByTwo, expect: 'race' }).message).toContain(
    'expected race, found check: counted 4',
  );
});

test('a mutant that only throws does not count, unless that is expected', () => {
  const throws: Mutant = { name: 'throws', find: 'load64(at);', replace: 'undeclared(at);' };
  expect(refusal(throws).message).toContain('only exception');
  expect(killsMutants(run({ ...throws, expect: 'exception' })).kills).toHaveLength(1);
});

test('a patch must fit exactly once', () => {
  expect(refusal({ name: 'gone', find: 'no such text', replace: '' })).toMatchObject({
    code: 'ERR_MUTANT',
    message: expect.stringContaining("mutant 'gone': 'no such text' occurs 0 times"),
  });
  expect(refusal({ name: 'blank', find: ' \n', replace: 'x' }).message).toContain('changes nothing');
  expect(refusal({ name: 'twice', find: 'const front = load(at);', replace: '' }).message).toContain(
    'occurs 3 times',
  );
  expect(refusal({ name: 'same', find: 'load64(at);', replace: 'load64(at);' }).message).toContain(
    'changes nothing',
  );
});

test('a patch fits however its lines are broken', () => {
  const { kills } = killsMutants(run({ ...stepsByTwo, find: '\n  (lowHalf\n    +1)| 0' }));
  expect(kills[0]!.violation.why).toBe('counted 4');
});

test('a file narrows down where the patch applies', () => {
  const inDeque = { find: 'at + 8', replace: 'at + 4', file: 'counter.ts' };
  expect(refusal({ name: 'elsewhere', ...inDeque }).message).toMatch(/occurs 0 times in \S*counter\.ts,/);
});

test('a patch that does not compile is an error, not a kill', () => {
  expect(refusal({ name: 'broken', find: 'load64(at);', replace: 'load64(at;' })).toMatchObject({
    code: 'ERR_MUTANT',
    message: expect.stringContaining('counter.ts does not compile'),
  });
});

test('a patch may use functions of the seam that the file does not import', () => {
  const plain: Mutant = {
    name: 'other width',
    find: 'load64(at);',
    replace: 'get(at);',
    expect: 'mixed-size',
  };
  expect(killsMutants(run(plain)).kills).toHaveLength(1);
});

test('a scenario that fails on the kernel as it is stops everything', () => {
  const { scenarios, ...rest } = run(stepsByTwo);
  const wrong = (kernel: Kernel) => ({ ...scenarios[0]!(kernel), check: () => 'always' });
  expect(() => killsMutants({ ...rest, scenarios: [wrong] })).toThrow(Violation);
});
