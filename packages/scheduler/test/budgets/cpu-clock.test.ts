import { afterEach, describe, expect, test, vi } from 'vitest';
import { cpuClock, PollCpu, threadCpuClock, type CpuClock } from '../../src/budgets/index.ts';

afterEach(() => void vi.restoreAllMocks());

const hasThreadClock = 'threadCpuUsage' in process;
const word = new Int32Array(new SharedArrayBuffer(4));

describe('the clock', () => {
  test.runIf(hasThreadClock)('counts what the thread does, and not how long it sleeps', () => {
    const clock = cpuClock();
    expect([clock.source, clock.reason]).toEqual(['thread', undefined]);
    const startMs = clock.nowMs();
    Atomics.wait(word, 0, 0, 50);
    const sleptMs = clock.nowMs() - startMs;
    expect(sleptMs).toBeLessThan(25);
    const endMs = performance.now() + 2000;
    while (clock.nowMs() - startMs - sleptMs < 20 && performance.now() < endMs);
    expect(clock.nowMs() - startMs - sleptMs).toBeGreaterThanOrEqual(20);
  });

  test('says what it costs', () => {
    const { costNs } = cpuClock();
    expect(costNs).toBeGreaterThan(1);
    expect(costNs).toBeLessThan(1e6);
  });

  test('where there is none of the thread it is the wall’s, and says so', () => {
    vi.spyOn(process as any, 'threadCpuUsage', 'get').mockReturnValue(undefined);
    const clock = cpuClock();
    expect(clock.source).toBe('wall');
    expect(clock.reason).toContain('Node 23.9');
    const startMs = clock.nowMs();
    Atomics.wait(word, 0, 0, 20);
    expect(clock.nowMs() - startMs).toBeGreaterThanOrEqual(19); // sleep looks like work
  });

  test('where that of the thread fails it is the wall’s, and says why', () => {
    vi.spyOn(process as any, 'threadCpuUsage').mockImplementation(() => {
      throw new Error('not here');
    });
    expect(cpuClock()).toMatchObject({ source: 'wall', reason: expect.stringContaining('not here') });
  });

  test('may be given: anything that reads nanoseconds of CPU time', () => {
    let ns = 5e6;
    const clock = cpuClock(threadCpuClock({ readNs: () => (ns += 1e6) }));
    expect(clock.source).toBe('thread');
    const first = clock.nowMs();
    expect(clock.nowMs() - first).toBe(1);
  });
});

describe('CPU time of polls of which some are measured', () => {
  function setUp(): { cpu: PollCpu; spend: (ms: number) => void } {
    let nowMs = 100;
    const clock: CpuClock = { source: 'thread', nowMs: () => nowMs };
    return {
      cpu: new PollCpu(clock),
      spend: (ms) => {
        nowMs += ms;
      },
    };
  }

  test('a slow poll that slept is not blamed for busy ones before it', () => {
    const { cpu, spend } = setUp();
    spend(20);
    cpu.skip(20);
    expect(cpu.read(50)).toBe(0);
  });

  test('a slow poll that was busy is seen, whatever came before it', () => {
    const { cpu, spend } = setUp();
    spend(20);
    cpu.skip(20);
    spend(50);
    expect(cpu.read(50)).toBe(50);
    spend(7);
    expect(cpu.read(10)).toBe(7);
  });

  test('no poll used more than it lasted, nor less than nothing', () => {
    const { cpu, spend } = setUp();
    spend(30);
    expect(cpu.read(10)).toBe(10);
    cpu.skip(1);
    expect(cpu.read(10)).toBe(0);
    spend(30);
    cpu.begin();
    expect(cpu.read(10)).toBe(0);
  });
});
