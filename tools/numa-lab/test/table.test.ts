import { describe, expect, it } from 'vitest';
import { LabError } from '../src/errors.ts';
import type { TestResult } from '../src/guest-event.ts';
import type { MachineReport } from '../src/table.ts';
import { allPassed, machineTable, summary, wrap } from '../src/table.ts';

function report(results: readonly Partial<TestResult>[], problem: string | null = null): MachineReport {
  const whole = {
    suite: 's',
    test: 't',
    asked: 'a',
    readBack: 'r',
    verdict: 'passed',
    durationMs: 1,
  } as const;
  return {
    machine: { name: 'm', title: 'a machine', architecture: 'amd64' },
    outcome: {
      hello: {
        event: 'hello',
        protocol: 1,
        node: '26',
        kernel: '6.1',
        addon: 'loaded',
        tests: results.length,
      },
      results: results.map((result) => ({ ...whole, ...result })),
      problem: problem === null ? null : new LabError('ERR_LAB_MACHINE', problem),
      bootMs: 5000,
      durationMs: 9000,
    },
  };
}

describe('machineTable', () => {
  it('shows test, asked, read back and verdict in columns of one width', () => {
    const text = machineTable(
      report([{ test: 'bind' }, { readBack: 'word '.repeat(40), verdict: 'failed' }]),
    );
    expect(text).toContain('Linux 6.1, Node 26, addon loaded, 5.0 s to the first test, 9.0 s in all');
    const lines = text.split('\n').filter((line) => /^[┌│├└]/.test(line));
    expect(new Set(lines.map((line) => line.length)).size).toBe(1);
    expect(lines[1]).toMatch(/│ test +│ asked +│ read back +│ verdict +│/);
    expect(text).toMatch(/│ s: bind +│ a +│ r +│ passed +│/);
    expect(text).toContain('│ FAILED');
  });

  it('shortens what passed tests read back, never what failed ones did', () => {
    const readBack = '§'.repeat(300);
    const shown = (verdict: 'passed' | 'failed'): number =>
      machineTable(report([{ readBack, verdict }])).split('§').length - 1;
    expect([shown('passed'), shown('failed')]).toEqual([240, 300]);
  });

  it('shows the problem of a machine without results', () => {
    expect(machineTable(report([], 'Kernel panic'))).toMatch(/m: Kernel panic$/);
  });
});

describe('allPassed', () => {
  it('needs every test passed, every machine at its end, and at least one test', () => {
    expect(allPassed([report([{}, {}])])).toBe(true);
    expect(allPassed([report([{}]), report([{ verdict: 'failed' }])])).toBe(false);
    expect(allPassed([report([{}], 'time-out')])).toBe(false);
    expect(allPassed([report([])])).toBe(false);
    expect(allPassed([])).toBe(false);
  });

  it('agrees with the last line', () => {
    expect(summary([report([{}, { verdict: 'failed' }]), report([{}], 'x')])).toBe(
      '2 of 3 tests passed on 2 machines; 1 machine did not come to the end',
    );
  });
});

describe('wrap', () => {
  it('breaks at spaces, and within words only where it must', () => {
    expect(wrap('one two three', 7)).toEqual(['one two', 'three']);
    expect(wrap('abcdefghij k', 4)).toEqual(['abcd', 'efgh', 'ij k']);
    expect(wrap('', 4)).toEqual(['']);
  });
});
