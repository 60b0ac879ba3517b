import { nice, setNice, type Answer } from '@corelane/platform';
import { describe, expect, test } from 'vitest';
import type { BenchDocument, CaseReport } from '../src/document.ts';
import { NotMeasurableError } from '../src/errors.ts';
import { calling, inC, valueOf } from '../src/suites/platform/calls.ts';
import { RawProgram } from '../src/raw-program.ts';
import { Spinners } from '../src/suites/platform/spinners.ts';
import { runCommand, runCommandWith } from './run-bench.ts';

const QUICK = '--suite platform --quick --batch-ms 1 --warmup-ms 5 --json'.split(' ');
const onLinux = process.platform === 'linux';

function casesOf(stdout: string): { document: BenchDocument; cases: readonly CaseReport[] } {
  const document = JSON.parse(stdout) as BenchDocument;
  return { document, cases: document.suites.flatMap(({ groups }) => groups.flatMap((group) => group.cases)) };
}

describe('the suite platform', { timeout: 240_000 }, () => {
  test('measures every case, or says why this machine cannot', async () => {
    const { code, stdout, stderr } = await runCommand(...QUICK);
    expect(stderr).toBe('');
    const { document, cases } = casesOf(stdout);
    expect(document.verdict.reasons).toEqual([]);
    expect(code).toBe(0);
    expect(document.suites[0]?.groups.map(({ name }) => name)).toEqual([
      'topology-fresh',
      'topology',
      'threads',
      'threads-set',
      'clock',
      'memory',
      'perf',
      'shares',
      'first-touch',
      'stopping',
    ]);
    for (const { name, unavailable, metrics, operations } of cases)
      if (unavailable === null)
        expect({ name, figures: Object.keys(metrics).length }).not.toMatchObject({ figures: 0 });
      else
        expect({ name, unavailable, operations }).toMatchObject({
          unavailable: expect.stringMatching(/.{10}/),
          operations: 0,
        });
    const measured = new Set(cases.filter(({ unavailable }) => unavailable === null).map(({ name }) => name));
    expect([...measured]).toEqual(expect.arrayContaining(['Topology.read()', 'limits()', 'os.cpus()']));
    if (onLinux) expect([...measured]).toEqual(expect.arrayContaining(['threadId()', 'not pinned']));
  });

  test('runs without the addon and without a compiler, and says so case by case', async () => {
    const { code, stdout } = await runCommandWith(
      { CORELANE_NO_NATIVE: '1', CC: '/nowhere/cc' },
      ...QUICK,
      '--group',
      'threads',
    );
    const { document, cases } = casesOf(stdout);
    expect(document.verdict.reasons).toEqual([]);
    expect(code).toBe(0);
    const reasonOf = (name: string): string | null | undefined =>
      cases.find((found) => found.name === name)?.unavailable;
    expect(reasonOf('C gettid')).toMatch(
      onLinux ? 'no C compiler (looked for /nowhere/cc)' : 'those of Linux',
    );
    if (!onLinux) return;
    expect(reasonOf('setAffinity()')).toMatch(/^unsupported: .*needs the addon.*CORELANE_NO_NATIVE=1/);
    expect(reasonOf('nice()')).toBeNull();
  });
});

describe('a case that calls', () => {
  test('counts only results that are right', async () => {
    let calls = 0;
    const odd = calling('odd', 'ours', () => ({ call: () => ++calls % 2 === 1 }));
    await odd.setup?.();
    expect(await odd.batch(10)).toBe(5);
  });

  test('does not start where the first result is wrong', async () => {
    const wrong = calling('wrong', 'ours', () => ({ call: () => false }));
    await expect(wrong.setup?.()).rejects.toThrow('the first call did not give what it must');
  });

  test('is not measurable where the machine refuses or does not have it', () => {
    const refused: Answer<number> = { status: 'refused', errno: 'EPERM', reason: 'not you' };
    expect(() => valueOf(refused)).toThrow(new NotMeasurableError('refused: not you'));
    const unsupported: Answer<number> = { status: 'unsupported', reason: 'not here' };
    expect(() => valueOf(unsupported)).toThrow(new NotMeasurableError('unsupported: not here'));
    expect(valueOf({ status: 'verified', value: 7 })).toBe(7);
  });
});

describe.runIf(onLinux && compiles())('the calls in C', () => {
  test('succeed as often as they were asked to, and have results to show', async () => {
    using program = RawProgram.start();
    const { successful, checksum, elapsedNs } = await program.run('gettid', 1000);
    expect(successful).toBe(1000);
    expect(checksum % 1000).toBe(0);
    expect(checksum).toBeGreaterThan(0);
    expect(elapsedNs).toBeGreaterThan(0);
  });

  test('are one at a time, and none after the end', async () => {
    const program = RawProgram.start();
    const running = program.run('gettid', 10);
    await expect(program.run('gettid', 10)).rejects.toThrow('one request at a time');
    await expect(running).resolves.toMatchObject({ successful: 10 });
    program[Symbol.dispose]();
    await expect(program.run('gettid', 10)).rejects.toThrow('the C program ended with');
  });

  test('that do not exist are an error and not merely unavailable', async () => {
    using program = RawProgram.start();
    const unknown = program.run('getttid', 10);
    await expect(unknown).rejects.toThrow('no operation getttid');
    await expect(unknown).rejects.not.toBeInstanceOf(NotMeasurableError);
    const mistyped = inC('C', 'getttid');
    await expect(mistyped.setup?.()).rejects.toThrow('no operation getttid');
    await mistyped.teardown?.();
  });

  test('that the machine cannot do are unavailable', async () => {
    using program = RawProgram.start();
    const endless = program.request('touch plain 9000000000000000000');
    await expect(endless).rejects.toBeInstanceOf(NotMeasurableError);
    await expect(endless).rejects.toThrow('cannot be mapped');
  });
});

function compiles(): boolean {
  try {
    RawProgram.start()[Symbol.dispose]();
    return true;
  } catch (error) {
    if (error instanceof NotMeasurableError) return false;
    throw error;
  }
}

test.runIf(onLinux)('two spinning workers get CPU, rest, and spin again', { timeout: 60_000 }, async () => {
  const spinners = await Spinners.start();
  try {
    for (let round = 0; round < 2; round++) {
      const { cpus, secondOfBoth, secondOfWork } = await spinners.measure(10, 100);
      expect(cpus).toBeGreaterThan(0);
      expect(secondOfBoth).toBeGreaterThanOrEqual(0);
      expect(secondOfBoth).toBeLessThanOrEqual(1);
      expect(secondOfWork).toBeLessThanOrEqual(1);
    }
    const [first, second] = spinners.tids;
    expect(first).not.toBe(second);
    const { value: own } = nice(second) as { value: number };
    expect(setNice(own + 1, second)).toEqual({ status: 'verified', value: own + 1 });
    expect(nice(first)).not.toEqual(nice(second));
  } finally {
    await spinners.stop();
  }
});
