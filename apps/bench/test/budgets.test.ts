import { describe, expect, test } from 'vitest';
import type { BenchDocument } from '../src/document.ts';
import { awaitInTurn, immediatesInTurn, resumeInTurn } from '../src/suites/fibres/by-hand.ts';
import { loadPlain, loadTransformed } from '../src/suites/fibres/loop-modules.ts';
import { runCommand } from './run-bench.ts';

const QUICK = '--quick --batch-ms 1 --warmup-ms 5 --json'.split(' ');

/** Not everywhere: the CPU clock of a thread came with Node 23.9, the other one asks an addon, or /proc. */
const OPTIONAL = ['cpuClock().nowMs()', 'ThreadClock of platform'];

describe('the suites budgets and fibres', { timeout: 240_000 }, () => {
  test.each([
    ['budgets', 'hooks'],
    ['budgets', 'slow-lane'],
    ['budgets', 'cpu-clock'],
    ['budgets', 'task-4k'],
    ['fibres', 'switch'],
    ['fibres', 'hand-off'],
    ['fibres', 'loop-scan'],
  ])('%s: measures every case of %s', async (suite, group) => {
    const { code, stdout, stderr } = await runCommand('--suite', suite, '--group', group, ...QUICK);
    expect(stderr).toBe('');
    const document = JSON.parse(stdout) as BenchDocument;
    expect(document.verdict.reasons).toEqual([]);
    expect(code).toBe(0);
    const cases = document.suites.flatMap(({ groups }) => groups.flatMap((each) => each.cases));
    expect(cases.length).toBeGreaterThan(1);
    for (const { name, operations, unavailable } of cases)
      if (unavailable === null)
        expect({ name, isMeasured: operations > 0 }).toEqual({ name, isMeasured: true });
      else expect(OPTIONAL).toContain(name);
  });
});

describe('switches by hand', () => {
  test.each([0, 1, 2, 7, 100])('are as many as were asked for: %i', async (operations) => {
    expect(resumeInTurn(operations)).toBe(operations);
    expect(await awaitInTurn(operations)).toBe(operations);
    expect(await immediatesInTurn(operations)).toBe(operations);
  });
});

test('loops with checkpoints return what they return without', async () => {
  const [plain, transformed] = await Promise.all([loadPlain(), loadTransformed()]);
  const names = Object.keys(plain) as (keyof typeof plain)[];
  expect(names.length).toBeGreaterThan(5);
  for (const name of names) {
    expect(transformed[name]()).toBe(plain[name]());
    expect(transformed[name].toString()).not.toBe(plain[name].toString());
  }
});
