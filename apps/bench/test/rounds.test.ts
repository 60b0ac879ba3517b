import { describe, expect, test } from 'vitest';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { countAsOwn, dirtReason, type MachineLoad, observeLoad, parseCpuLine } from '../src/machine-load.ts';
import { MAX_ATTEMPTS_PER_ROUND } from '../src/profile.ts';
import { randomFrom } from '../src/random.ts';
import { type Measurable, runRounds } from '../src/rounds.ts';

const quiet: MachineLoad = { wallMs: 500, ownCpus: 1, foreignCpus: 0, stealCpus: 0, involuntarySwitches: 0 };
const busy: MachineLoad = { ...quiet, foreignCpus: 0.9 };

function counter(name: string): Measurable {
  let round = 0;
  return { name, measure: () => Promise.resolve({ round: { value: round++, unit: '' } }) };
}

function loads(...script: MachineLoad[]): typeof observeLoad {
  let at = 0;
  return () => () => script[at++ % script.length] ?? quiet;
}

describe('rounds', () => {
  const options = { rounds: 5, maxForeignCpus: 0.25 };

  test('that are dirty are dropped and repeated', async () => {
    const result = await runRounds([counter('a')], {
      ...options,
      random: randomFrom(1),
      observe: loads(busy, quiet),
    });
    expect(result.conclusive).toBe(true);
    expect(result.log).toHaveLength(10);
    expect(result.samples.map((sample) => sample.get('a')?.['round']?.value)).toEqual([1, 3, 5, 7, 9]);
  });

  test('are not repeated for ever: then the dirty ones are kept and the group is inconclusive', async () => {
    const result = await runRounds([counter('a')], {
      ...options,
      random: randomFrom(1),
      observe: loads(busy),
    });
    expect(result.conclusive).toBe(false);
    expect(result.log).toHaveLength(5 * MAX_ATTEMPTS_PER_ROUND);
    expect(result.samples).toHaveLength(5 * MAX_ATTEMPTS_PER_ROUND);
  });

  test('that are clean suffice from five up, though more were wanted', async () => {
    for (const clean of [4, 5]) {
      const observe = loads(...Array.from({ length: 27 }, (_, round) => (round < clean ? quiet : busy)));
      const result = await runRounds([counter('a')], {
        ...options,
        rounds: 9,
        random: randomFrom(1),
        observe,
      });
      expect(result.conclusive).toBe(clean === 5);
      expect(result.samples).toHaveLength(clean === 5 ? 5 : 27);
    }
  });

  test('run every case once, in changing order', async () => {
    const names = ['a', 'b', 'c', 'd'];
    const result = await runRounds(names.map(counter), {
      ...options,
      random: randomFrom(5),
      observe: loads(quiet),
    });
    for (const { order } of result.log) expect([...order].toSorted()).toEqual(names);
    expect(new Set(result.log.map(({ order }) => order.join())).size).toBeGreaterThan(2);
  });
});

describe('the load of the machine', () => {
  test('is dirt above the limit for foreign work or steal, and never in a span too short for ticks', () => {
    expect(dirtReason(quiet, 0.25)).toBeNull();
    expect(dirtReason(busy, 0.25)).toMatch('foreign work on 0.90 CPUs');
    expect(dirtReason({ ...quiet, stealCpus: 0.4 }, 0.25)).toMatch('0.40 CPUs stolen');
    expect(dirtReason({ ...busy, wallMs: 20 }, 0.25)).toBeNull();
    expect(dirtReason({ ...busy, foreignCpus: null }, 0.25)).toBeNull();
  });

  test('is read from the first line of /proc/stat', () => {
    expect(parseCpuLine('cpu  10 1 5 900 50 2 3 7 4 0\ncpu0 1 1 1\n')).toEqual({ busyMs: 210, stealMs: 70 });
    expect(parseCpuLine('intr 12\n')).toBeNull();
  });

  test('counts the work of this process as its own', () => {
    const finish = observeLoad();
    const start = process.cpuUsage();
    while (process.cpuUsage(start).user < 100_000); // however long that takes where others have the processor
    const load = finish();
    expect(load.ownCpus * load.wallMs).toBeGreaterThan(90);
    expect(load.foreignCpus !== null).toBe(process.platform === 'linux');
  });

  test.runIf(process.platform === 'linux')(
    'counts the work of a companion process as its own, while it lives and after',
    async () => {
      const spin = 'while (process.cpuUsage().user < 300_000)';
      const child = spawn(process.execPath, ['-e', `${spin}; console.log(1); process.stdin.resume()`], {
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      countAsOwn(child.pid ?? 0);
      const finish = observeLoad();
      await once(child.stdout, 'data');
      const living = finish();
      child.stdin.end();
      await once(child, 'exit');
      const ended = finish();
      for (const { ownCpus, wallMs } of [living, ended]) expect(ownCpus * wallMs).toBeGreaterThan(100);
      expect(ended.ownCpus * ended.wallMs).toBeLessThan(2 * living.ownCpus * living.wallMs);
    },
  );
});
