import { describe, expect, test } from 'vitest';
import { measureCapacity, type MeasureCapacityOptions } from '../../src/capacity/index.ts';
import { measureWith } from '../../src/capacity/measure-capacity.ts';
import { processorUse, readProcessorTimes, type ProcessorTimes } from '../../src/capacity/processor-use.ts';
import { relativeCapacity } from '../../src/capacity/scalability-law.ts';

/** A machine of two processors, on which each run takes a second and so much of the processors. */
class Machine {
  runs = 0;
  #times: ProcessorTimes = { nowMs: 0, ownMs: 0, allMs: 0, machine: 2, available: 2 };

  read = (): ProcessorTimes => this.#times;

  run(own: number, foreign: number): void {
    const { nowMs, ownMs, allMs } = this.#times;
    this.#times = {
      ...this.#times,
      nowMs: nowMs + 1000,
      ownMs: ownMs + 2000 * own,
      allMs: (allMs ?? 0) + 2000 * (own + foreign),
    };
    this.runs++;
  }
}

const law = (workers: number): number => 500 * relativeCapacity(workers, 0.04, 0.01);
const options = { workers: [1, 2, 4, 8], rounds: 3, random: () => 0.5 } satisfies MeasureCapacityOptions;

describe('a run in which others took more than they may', () => {
  test('is repeated, and counts only when they do not', async () => {
    const machine = new Machine();
    const found = await measureWith(
      ({ workers }) => {
        const isDisturbed = machine.runs % 3 === 2;
        machine.run(0.2, isDisturbed ? 0.3 : 0.05);
        return isDisturbed ? 1 : law(workers);
      },
      { ...options, mostForeign: 0.1 },
      machine.read,
    );
    expect(found).toMatchObject({ kind: 'fit', peak: { bestWorkers: 10 } });
    const verdicts = Map.groupBy(found.runs, ({ verdict }) => verdict);
    expect(verdicts.get('counts')).toHaveLength(12);
    expect(verdicts.get('disturbed')?.length).toBeGreaterThan(3);
    for (const run of verdicts.get('disturbed') ?? []) expect(run.foreign).toBeCloseTo(0.3, 9);
    for (const round of [0, 1, 2]) {
      const counted = verdicts.get('counts')?.filter((run) => run.round === round) ?? [];
      expect(counted.map(({ workers }) => workers).toSorted((a, b) => a - b)).toEqual([1, 2, 4, 8]);
    }
  });

  test('ends the measuring where it goes on, as disturbed', async () => {
    const machine = new Machine();
    const found = await measureWith(
      () => (machine.run(0.2, 0.6), 1),
      { ...options, mostForeign: 0.1 },
      machine.read,
    );
    expect(found).toMatchObject({ kind: 'no-fit', reason: 'disturbed', samples: [] });
    expect(found).toHaveProperty(
      'message',
      'during 5 of 5 runs others took 60 % to 60 % of the processors, expected at most 10 % (mostForeign)',
    );
  });

  test('counts where nothing was said, and a refusal says what they took', async () => {
    const machine = new Machine();
    const found = await measureWith(
      ({ round }) => (machine.run(0.2, 0.6), round % 2 === 0 ? 1 : 1000),
      options,
      machine.read,
    );
    expect(found).toMatchObject({ kind: 'no-fit', reason: 'too-noisy' });
    expect(found).toHaveProperty('message', expect.stringMatching(/; others took 60 % of the processors/));
  });
});

describe('more workers than processors, all of which are in use,', () => {
  const flat = (machine: Machine, workers: number): number => {
    // Now and then not quite all.
    machine.run(Math.min(1, workers / 2) * (machine.runs % 5 === 0 ? 0.8 : 0.97), 0);
    return 500 * Math.min(2, workers);
  };

  test('are no evidence of what workers share: without them numbers are too few', async () => {
    const machine = new Machine();
    const found = await measureWith(
      ({ workers }) => flat(machine, workers),
      { ...options, workers: [1, 2, 3, 4] },
      machine.read,
    );
    expect(found).toMatchObject({ kind: 'no-fit', reason: 'oversubscribed' });
    expect(found).toHaveProperty(
      'message',
      expect.stringMatching(/^with 3, 4 workers .* 2 processors.*\(1, 2\)/),
    );
    expect(found.samples).toHaveLength(12);
  });

  test('are left out where enough is left, and stay where processors have time', async () => {
    const machine = new Machine();
    const four = (): ProcessorTimes => ({ ...machine.read(), available: 4 });
    const run = ({ workers }: { readonly workers: number }): number => {
      machine.run(workers > 4 ? 1 : 0.1, 0); // two of two is one half of four
      return law(Math.min(4, workers));
    };
    const waits = await measureWith(run, { ...options, workers: [1, 2, 4, 8] }, four);
    expect(waits.samples).toHaveLength(12);
    const crowded = (): ProcessorTimes => ({ ...four(), ownMs: machine.read().ownMs * 2 });
    const found = await measureWith(run, { ...options, workers: [1, 2, 4, 8] }, crowded);
    expect(found).toMatchObject({ kind: 'fit', peak: { bestWorkers: 10 } });
    expect(new Set(found.samples.map(({ workers }) => workers))).toEqual(new Set([1, 2, 4]));
  });
});

test('runs too short for the clocks of the system are taken as they are', async () => {
  const times = { nowMs: 0, ownMs: 0, allMs: 0, machine: 2, available: 2 };
  const read = (): ProcessorTimes => ({ ...times, nowMs: (times.nowMs += 10), ownMs: (times.ownMs += 20) });
  const found = await measureWith(({ workers }) => law(workers), { ...options, mostForeign: 0 }, read);
  expect(found).toMatchObject({ kind: 'fit', peak: { bestWorkers: 10 } });
  expect(found.samples).toHaveLength(12);
});

describe('rounds', () => {
  const noisy = async (over: Partial<MeasureCapacityOptions>, error = 0.05): Promise<number> => {
    const machine = new Machine();
    let sign = 1;
    const found = await measureWith(
      ({ workers }) => (machine.run(0.1, 0), (sign = -sign), law(workers) * (1 + sign * error)),
      { ...options, random: () => (machine.runs * 0.37) % 1, ...over },
      machine.read,
    );
    return Math.max(...found.runs.map(({ round }) => round)) + 1;
  };

  test('go on until the fit is as precise as asked for, and no longer than they may', async () => {
    expect(await noisy({})).toBe(3);
    const some = await noisy({ precision: 0.08, mostRounds: 20 });
    const more = await noisy({ precision: 0.055, mostRounds: 20 });
    expect(some).toBeGreaterThan(3);
    expect(more).toBeGreaterThan(some);
    expect(more).toBeLessThan(20);
    expect(await noisy({ precision: 0.001, mostRounds: 4 })).toBe(4);
    expect(await noisy({ precision: 0.001, rounds: 1 })).toBe(4);
    // 4 runs a round, a second each, and as many to warm up.
    expect(await noisy({ precision: 0.001, mostRounds: 100, mostMs: 21_000 })).toBe(5);
    expect(await noisy({ precision: 0.05, mostRounds: 100 }, 0)).toBe(3);
  });

  test('do not go on where no number of them would help', async () => {
    const machine = new Machine();
    const found = await measureWith(
      ({ workers }) => (machine.run(0.1, 0), workers ** 2),
      { ...options, precision: 0.01 },
      machine.read,
    );
    expect(found).toMatchObject({ kind: 'no-fit', reason: 'superlinear' });
    expect(found.runs).toHaveLength(16);
  });
});

test('medians of the rounds are not moved by what disturbs a run, as their samples are', async () => {
  const measured = async (medians: boolean): Promise<number> => {
    const machine = new Machine();
    const found = await measureWith(
      ({ workers }) => {
        machine.run(0.1, 0);
        return law(workers) * (machine.runs % 3 === 0 ? 0.7 : 1);
      },
      { ...options, rounds: 5, medians },
      machine.read,
    );
    if (found.kind === 'no-fit') throw new Error(found.message);
    expect(found.samples).toHaveLength(medians ? 4 : 20);
    return found.predict(8).value;
  };
  expect(await measured(true)).toBeCloseTo(law(8), 2);
  expect(await measured(false)).toBeLessThan(0.95 * law(8));
});

test.each([
  [{ precision: 0 }, 'precision is 0'],
  [{ mostRounds: 9 }, 'mostRounds is 9, expected nothing without precision'],
  [{ precision: 0.1, mostRounds: 2 }, 'mostRounds is 2, expected an integer from 3'],
  [{ mostMs: 9 }, 'mostMs is 9, expected nothing without precision'],
  [{ precision: 0.1, mostMs: -1 }, 'mostMs is -1'],
  [{ mostForeign: 2 }, 'mostForeign is 2'],
  [{ workers: Array.from({ length: 20 }, (_, i) => i + 1), rounds: 1000 }, 'runs that count is 20000'],
])('options of rounds are looked at before anything runs: %j', async (over, message) => {
  await expect(measureCapacity(() => 1, { ...options, ...over })).rejects.toThrow(message);
});

describe('the use of the processors', () => {
  const times = { nowMs: 0, ownMs: 0, allMs: 0, machine: 4, available: 2 };

  test('is this process’s, of those that it may use, and the others’, of all', () => {
    expect(processorUse(times, { ...times, nowMs: 1000, ownMs: 1000, allMs: 2000 })).toEqual({
      durationMs: 1000,
      own: 0.5,
      foreign: 0.25,
    });
    // The system's clocks are not read at the same moment.
    expect(processorUse(times, { ...times, nowMs: 1000, ownMs: 2100, allMs: 2000 })).toMatchObject({
      own: 1,
      foreign: 0,
    });
  });

  test('is not known of others where they are not counted, or of too short a time', () => {
    const unknown = { ...times, allMs: null };
    expect(processorUse(unknown, { ...unknown, nowMs: 1000 }).foreign).toBeNull();
    expect(processorUse(times, { ...times, nowMs: 99, allMs: 300 }).foreign).toBeNull();
    expect(processorUse(times, times)).toEqual({ durationMs: 0, own: 0, foreign: null });
  });

  test('is read of this machine', () => {
    const { nowMs, ownMs, allMs, machine, available } = readProcessorTimes();
    expect(nowMs).toBeGreaterThan(0);
    expect(ownMs).toBeGreaterThan(0);
    expect(machine).toBeGreaterThanOrEqual(available);
    if (process.platform === 'linux') expect(allMs).toBeGreaterThan(ownMs);
  });
});
