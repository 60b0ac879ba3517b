import { describe, expect, test } from 'vitest';
import { fixtures, runCommand, runFixture, STRICT } from './run-bench.ts';

const TIMEOUT_MS = 60_000;

describe('the exit code', { timeout: TIMEOUT_MS }, () => {
  test('is 0 where every state is right', async () => {
    const { code, document } = await runFixture('fine', '--quick');
    expect(document.verdict).toEqual({ exitCode: 0, reasons: [] });
    expect(code).toBe(0);
  });

  test('is 1 for a wrong final state, and says found and expected', async () => {
    const { code, document } = await runFixture('wrong-state', '--quick');
    expect(code).toBe(1);
    expect(document.verdict.reasons).toEqual([
      expect.stringMatching(/^wrong-state\/only\/ours: wrong final state: the word holds 7, expected \d+$/),
    ]);
  });

  test('is 1 for a single operation that did not succeed', async () => {
    const { code, document } = await runFixture('losing', '--quick');
    expect(code).toBe(1);
    expect(document.verdict.reasons[0]).toMatch(/: \d+ of \d+ operations succeeded: error rate 0\.000/);
  });

  test('is 1 for a case that throws', async () => {
    const { code, document } = await runFixture('throwing', '--quick');
    expect(code).toBe(1);
    expect(document.verdict.reasons).toEqual([
      expect.stringMatching(/throwing\/only\/peer: .* threw: boom$/),
    ]);
  });

  test('is 1 for a process that ends before its report', async () => {
    const { code, document } = await runFixture('crashing', '--quick');
    expect(code).toBe(1);
    expect(document.verdict.reasons[0]).toContain('ended with 7 before its report');
  });

  test('is 1 for a process that does not end in time', async () => {
    const { code, document } = await runFixture('hanging', '--quick');
    expect(code).toBe(1);
    expect(document.verdict.reasons[0]).toContain('did not end within 1 s');
  });

  test('is 1 for a suite without a case of ours', async () => {
    const { code, stderr } = await runCommand('--from', fixtures, '--suite', 'no-ours', '--quick');
    expect(code).toBe(1);
    expect(stderr).toContain("no-ours/only has no case of role 'ours'");
  });

  test('is 1 for a case that is compared with none of ours', async () => {
    const { code, stderr } = await runCommand('--from', fixtures, '--suite', 'mispaired', '--quick');
    expect(code).toBe(1);
    expect(stderr).toContain("mispaired/only/peer is against 'peer', which is no other case of ours");
  });

  test.each(['lacking', 'lacking-all'])('is 0 for cases that cannot be measured here: %s', async (name) => {
    const { code, document } = await runFixture(name, '--quick');
    expect(document.verdict).toEqual({ exitCode: 0, reasons: [] });
    expect(code).toBe(0);
    const cases = document.suites[0]?.groups[0]?.cases ?? [];
    expect(cases.map(({ unavailable }) => unavailable)).toEqual([
      name === 'lacking' ? null : 'no unobtainium in this machine',
      'no unobtainium in this machine',
    ]);
    expect(cases.map(({ operations }) => operations > 0)).toEqual([name === 'lacking', false]);
  });

  test('is 3 with --strict where a target is on a case that cannot be measured here', async () => {
    const { code, document } = await runFixture('lacking', ...STRICT);
    expect(code).toBe(3);
    expect(document.verdict.reasons).toEqual(['lacking/only: target undecided: alloy ≥ 1 × ours']);
  });

  test('is 0 for a missed target and 1 with --strict', async () => {
    const lenient = await runFixture('slowed', ...STRICT.slice(1));
    expect(lenient.code).toBe(0);
    const strict = await runFixture('slowed', ...STRICT);
    expect(strict.code).toBe(1);
    expect(strict.document.verdict.reasons).toEqual(['slowed/only: target missed: ours ≤ 1.6 × limit']);
    const [claim] = strict.document.suites[0]?.groups[0]?.claims ?? [];
    expect(claim?.status).toBe('missed');
    expect(claim?.value).toBeGreaterThan(20); // a hundred times the work
  });

  test('is 0 with --strict where the target is met', async () => {
    const { code, document } = await runFixture('fine', ...STRICT);
    expect(document.suites[0]?.groups[0]?.claims[0]?.status).toBe('met');
    expect(code).toBe(0);
  });

  test('is 3 with --strict where a target cannot be decided', async () => {
    const { code, document } = await runFixture('undecided', ...STRICT);
    expect(code).toBe(3);
    expect(document.verdict.reasons).toEqual(['undecided/only: target undecided: ours luck ≤ 1']);
  });

  test.each([
    [[], '--suite NAME is missing'],
    [['--suite', 'none'], "no suite 'none'; there are: state"],
    [['--from', fixtures, '--suite', 'fine', '--group', 'none'], "no group with 'none' in its name"],
    [['--from', '/nowhere.ts', '--suite', 'fine'], 'could not be imported'],
    [['--suite', 'state', '--quick', '--strict'], 'no evidence'],
    [['--suite', 'state', '--rounds', '4'], '--rounds 4: expected an integer from 5'],
    [['--suite', 'state', '--batch-ms', '0'], '--batch-ms 0: expected a number above 0'],
    [['--suite', 'state', '--bogus'], "Unknown option '--bogus'"],
    [['state'], "Unexpected argument 'state'"],
  ])('is 2 for the arguments %j', async (args, message) => {
    const { code, stdout, stderr } = await runCommand(...args);
    expect(stderr).toContain(message);
    expect(stderr).toContain('npm run bench -- --suite NAME');
    expect(stdout).toBe('');
    expect(code).toBe(2);
  });
});

describe('the report', { timeout: TIMEOUT_MS }, () => {
  test('is a table with the verdict where --json is not given', async () => {
    const { code, stdout } = await runCommand(
      '--from',
      fixtures,
      '--suite',
      'fine',
      '--quick',
      '--seed',
      '7',
    );
    expect(code).toBe(0);
    expect(stdout).toContain('seed 7, 3 rounds');
    expect(stdout).toContain('QUICK RUN: results are checked; the figures are no evidence.');
    expect(stdout).toMatch(/│ peer +│ peer +│ +[\d,.]+ │/);
    expect(stdout).toMatch(/met +peer ≥ 2 × ours: [\d.]+ \([\d.]+–[\d.]+\)/);
    expect(stdout).toMatch(/clock: hrtime [\d.]+ ns, performance.now [\d.]+ ns a read/);
    expect(stdout).toMatch(/exit code 0\n$/);
  });

  test('says what cannot be measured here, and why', async () => {
    const { stdout } = await runCommand('--from', fixtures, '--suite', 'lacking', '--quick');
    expect(stdout).toContain('  alloy: not measurable here: no unobtainium in this machine\n');
    expect(stdout).not.toContain('│ alloy');
  });

  test('compares a case with the one of ours that it names, else with the first', async () => {
    const { document } = await runFixture('pairs', '--quick');
    const ratios = document.suites[0]?.groups[0]?.ratios ?? [];
    expect(ratios.map(({ of, against }) => [of, against])).toEqual([
      ['peer', 'second'],
      ['limit', 'first'],
    ]);
    expect(ratios[0]?.median).toBeGreaterThan(1);
    expect(ratios[1]?.median).toBeLessThan(1);
  });

  test('interleaves the cases in an order that the seed decides', async () => {
    const orders = await Promise.all(
      [0, 1].map(async () => {
        const { document } = await runFixture('fine', ...STRICT);
        return document.suites[0]?.groups[0]?.rounds.map((round) => round.order.join(' '));
      }),
    );
    expect(orders[0]).toEqual(orders[1]);
    expect(new Set(orders[0]).size).toBeGreaterThan(1);
  });

  test('names the suites and groups with --list', async () => {
    const { code, stdout } = await runCommand('--list');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^state: /);
  });
});

describe('bytes per operation', { timeout: TIMEOUT_MS }, () => {
  test('are 16 for a boxed number and 0 for a loop that allocates nothing', async () => {
    const { document } = await runFixture('allocating', '--quick');
    const bytes = Object.fromEntries(
      (document.suites[0]?.groups[0]?.cases ?? []).map((found) => [
        found.name,
        found.metrics['bytesPerOp']?.median,
      ]),
    );
    expect(bytes['allocates nothing']).toBe(0);
    expect(bytes['boxes a number']).toBeCloseTo(16, 1);
    expect(bytes['makes promises']).toBeGreaterThan(0);
  });
});

describe('a scenario', { timeout: TIMEOUT_MS }, () => {
  test('runs once in a quick run and reports its own figures', async () => {
    const { code, document } = await runFixture('scenario', '--quick');
    expect(code).toBe(0);
    const group = document.suites[0]?.groups[0];
    expect(group?.rounds).toHaveLength(1);
    expect(group?.cases[0]?.metrics['leaked']).toMatchObject({ unit: 'calls', samples: [1] });
    expect(group?.claims[0]).toMatchObject({ text: 'ours leaked ≤ 3', status: 'met' });
  });

  test('is checked after every run', async () => {
    const { code, document } = await runFixture('scenario', ...STRICT.slice(1));
    expect(code).toBe(1);
    expect(document.verdict.reasons).toEqual(['scenario/only/ours: wrong final state: leaked twice']);
  });
});
