import { describe, expect, test } from 'vitest';
import { Companion } from '../src/companion.ts';
import type { BenchDocument } from '../src/document.ts';
import { randomFrom } from '../src/random.ts';
import type { Contestant } from '../src/suites/scheduler/contestant.ts';
import { queueUp } from '../src/suites/scheduler/backlog.ts';
import { startCalls } from '../src/suites/scheduler/contestants/call.ts';
import { CONTESTANTS, type ContestantName } from '../src/suites/scheduler/contestants.ts';
import { Fifo } from '../src/suites/scheduler/fifo.ts';
import { Latencies } from '../src/suites/scheduler/latencies.ts';
import { digests, doubles, paced, singly, untilAllRan } from '../src/suites/scheduler/loads.ts';
import { makePayloads } from '../src/suites/scheduler/payloads.ts';
import type {
  PoolRequest,
  QueueAnswer,
  RunAnswer,
  StartAnswer,
} from '../src/suites/scheduler/pool-process.ts';
import { Waiting } from '../src/suites/scheduler/waiting.ts';
import { runCommand } from './run-bench.ts';

const QUICK = '--suite scheduler --quick --batch-ms 1 --warmup-ms 5 --json'.split(' ');
const PROCESS = 'suites/scheduler/pool-process';

describe('the suite scheduler', { timeout: 240_000 }, () => {
  test.each(['tiny-2-64', 'payload-2-4k', 'paced-1', 'start-up', 'queued', 'event-loop'])(
    'measures every case of %s',
    async (group) => {
      const { code, stdout, stderr } = await runCommand(...QUICK, '--group', group);
      expect(stderr).toBe('');
      const document = JSON.parse(stdout) as BenchDocument;
      expect(document.verdict.reasons).toEqual([]);
      expect(code).toBe(0);
      const cases = document.suites.flatMap(({ groups }) => groups.flatMap((each) => each.cases));
      expect(cases.length).toBeGreaterThan(7);
      for (const { name, unavailable, metrics } of cases)
        expect({ name, unavailable, figures: Object.keys(metrics).length }).toEqual({
          name,
          unavailable: null,
          figures: expect.toSatisfy((figures: number) => figures > 0),
        });
    },
  );
});

describe('contestants', { timeout: 60_000 }, () => {
  test.each(Object.keys(CONTESTANTS) as ContestantName[])(
    '%s runs every load with the right results, and ends',
    async (name) => {
      using companion = Companion.start(PROCESS);
      const ask = <Answer>(request: PoolRequest): Promise<Answer> => companion.request<Answer>(request);
      const started = await ask<StartAnswer>({
        type: 'start',
        name,
        threads: 2,
        inFlight: 8,
        payloadBytes: 4096,
      });
      expect(started).toEqual({
        loadMs: expect.any(Number),
        startMs: expect.any(Number),
        startBytes: expect.any(Number),
      });
      for (const load of ['doubles', 'digests', 'paced'] as const)
        expect({
          load,
          ...(await ask<RunAnswer>({ type: 'run', load, operations: 40 })),
        }).toMatchObject({ load, successful: 40, cpuNs: expect.any(Number) });
      // Nobody is held where there is no thread to hold.
      if (name !== 'call, no thread')
        expect(await ask<QueueAnswer>({ type: 'queue', tasks: 5000 })).toMatchObject({
          tasks: 5000,
          successful: 5000,
        });
      expect(await ask({ type: 'close' })).toBeNull();
    },
  );

  test('are asked for no more tasks than they can keep', async () => {
    const queue = (mostPending?: number): Promise<QueueAnswer> =>
      queueUp(
        {
          ...startCalls(),
          holdWhile: async () => 0,
          ...(mostPending === undefined ? {} : { mostPending }),
        },
        2,
        50,
        () => 0,
      );
    expect(await queue()).toMatchObject({ tasks: 50, successful: 50 });
    expect(await queue(10)).toMatchObject({ tasks: 8, successful: 8 });
  });
});

describe('a result that is wrong does not count', () => {
  const every = (n: number): boolean => n % 4 === 0;
  const wrong: Contestant = {
    ...startCalls(),
    double: async (n) => (every(n) ? n : 2 * n),
    digest: async () => '0'.repeat(64),
  };

  test('whatever is done', async () => {
    const latencies = new Latencies();
    expect(await doubles(wrong, 101, 8)).toBe(76); // 0 doubled is 0: 25 of 26 are wrong
    expect(await singly(wrong, 101, latencies)).toBe(76);
    expect(await paced(wrong, 9, 0.01, latencies)).toBe(7);
    expect(await digests(wrong, 32, 4, makePayloads(wrong, 64))).toBe(0);
    expect(await queueUp({ ...wrong, holdWhile: async () => 0 }, 1, 8, () => 0)).toMatchObject({
      successful: 7,
    });
  });

  test('nor does the digest of another payload', async () => {
    const payloads = makePayloads(wrong, 64);
    expect(new Set(payloads.map(({ digest }) => digest)).size).toBe(payloads.length);
    const first = { ...startCalls(), digest: async () => payloads[0]?.digest ?? '' };
    expect(await digests(first, 2 * payloads.length, 4, payloads)).toBe(2);
  });

  test('and a task that fails fails the run', async () => {
    const failing: Contestant = { ...wrong, double: () => Promise.reject(new Error('lost')) };
    await expect(doubles(failing, 10, 2)).rejects.toThrow('lost');
  });
});

describe('the start', () => {
  test('is over when every worker has run a task, not before', async () => {
    let asked = 0;
    const late = { ...startCalls(), whoRuns: async () => (asked++ < 6 ? 1 : 2) };
    await untilAllRan(late, 2);
    expect(asked).toBe(8);
  });

  test('of more workers than were asked for is an error', async () => {
    const many = { ...startCalls(), whoRuns: async (n: number) => n };
    await expect(untilAllRan(many, 1)).resolves.toBeUndefined();
    let id = 0;
    const growing = { ...startCalls(), whoRuns: async () => [0, 0, 1, 2][id++] ?? 0 };
    await expect(untilAllRan(growing, 2)).rejects.toThrow('3 threads have run tasks, expected 2 workers');
  });
});

describe('latencies', () => {
  test('a percentile has at least ten samples beyond it', () => {
    const names = (count: number): string[] => {
      const latencies = new Latencies();
      for (let sample = 0; sample < count; sample++) latencies.add(1);
      return Object.keys(latencies.metrics());
    };
    expect(names(19)).toEqual(['max']);
    expect(names(20)).toEqual(['p50', 'max']);
    expect(names(1024)).toEqual(['p50', 'p99', 'max']);
    expect(names(10_001)).toEqual(['p50', 'p99', 'p99.9', 'max']);
  });

  test('are those since the last clearing, in nanoseconds', () => {
    const latencies = new Latencies();
    latencies.add(1000);
    latencies.clear();
    for (let sample = 1; sample <= 101; sample++) latencies.add(sample / 1e6);
    const { p50, max } = latencies.metrics();
    expect(p50?.value).toBeCloseTo(51, 9);
    expect(max?.value).toBeCloseTo(101, 9);
  });
});

describe('the queue', () => {
  test('gives back what went in, in order, whatever is removed and however many there are', () => {
    const fifo = new Fifo<number>();
    const model: number[] = [];
    const random = randomFrom(1);
    for (let step = 0; step < 20_000; step++) {
      if (random() < (step < 12_000 ? 0.7 : 0.3)) {
        fifo.push(step);
        model.push(step);
      } else expect(fifo.shift()).toBe(model.shift());
      if (step % 500 === 0) {
        const middle = model[model.length >> 1] ?? -1;
        expect(fifo.includes(middle)).toBe(model.length > 0);
        fifo.remove(middle);
        if (model.length > 0) model.splice(model.indexOf(middle), 1);
      }
      expect(fifo.size).toBe(model.length);
    }
  });
});

describe('those who wait for a worker', () => {
  test('get their results in the order of their tasks', async () => {
    const waiting = new Waiting();
    const first = [waiting.add(), waiting.add()];
    waiting.settle('a');
    first.push(waiting.add());
    waiting.settle('b');
    waiting.settle('c');
    expect(await Promise.all(first)).toEqual(['a', 'b', 'c']);
    const next = waiting.add();
    waiting.settle('d');
    expect(await next).toBe('d');
    expect(() => waiting.settle('e')).toThrow('nobody waits');
  });

  test('are rejected where it ends, and those before are not', async () => {
    const waiting = new Waiting();
    const [done, left] = [waiting.add(), waiting.add()];
    waiting.settle(1);
    waiting.reject(new Error('ended'));
    expect(await done).toBe(1);
    await expect(left).rejects.toThrow('ended');
  });
});
