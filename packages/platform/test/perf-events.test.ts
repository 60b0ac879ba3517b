import { spawnSync } from 'node:child_process';
import { describe, expect, expectTypeOf, it, vi } from 'vitest';
import { expectZeroAllocation } from '@corelane/memory-tracker';
import {
  PERF_EVENT_NAMES,
  PerfEvents,
  PlatformDisposedError,
  PlatformOptionError,
  type PerfEventName,
  type PerfEventsOptions,
  type PerfReading,
} from '../src/index.ts';
import { cpus, linux } from './machine-facts.ts';
import { valueOf } from './memory-buffers.ts';
import { native } from './native-mode.ts';
import { perfDescriptors } from './perf-descriptors.ts';
import { block, burn, leastFaults, spin, touch } from './perf-work.ts';
import { PerfWorker } from './perf-worker.ts';

vi.setConfig({ testTimeout: 30_000 });

const MIB = 1024 * 1024;
/** Of util-linux: moves a thread with the addon and without. */
const TASKSET = 'taskset';

function open<const N extends PerfEventName = PerfEventName>(options?: PerfEventsOptions<N>): PerfEvents<N> {
  return valueOf(PerfEvents.open(options));
}

function value(reading: PerfReading, name: PerfEventName): number {
  const { value: count, reason } = reading[name];
  if (count === null) throw new Error(`${name}: ${reason}`);
  return count;
}

describe.runIf(linux)('counts of the calling thread', () => {
  it('have a page fault for each fresh page', () => {
    using events = open();
    const before = value(events.read(), 'pageFaults');
    touch(32 * MIB);
    const after = events.read();
    expect(value(after, 'pageFaults') - before).toBeGreaterThanOrEqual(leastFaults(32 * MIB));
    expect(value(after, 'pageFaults') - before).toBeLessThan((32 * MIB) / 4096 + 4096);
    expect(value(after, 'minorFaults') + value(after, 'majorFaults')).toBe(value(after, 'pageFaults'));
  });

  it('have a context switch for each time that it waits', () => {
    using events = open();
    const before = value(events.read(), 'contextSwitches');
    block(50);
    expect(value(events.read(), 'contextSwitches') - before).toBeGreaterThanOrEqual(50);
  });

  it('have the time that it ran, and not the time that it waited', () => {
    using events = open();
    const before = value(events.read(), 'taskClock');
    const start = performance.now();
    burn(60);
    const spun = value(events.read(), 'taskClock') - before;
    const wallNs = (performance.now() - start) * 1e6;
    expect(spun).toBeGreaterThan(48e6); // a tick less
    expect(spun).toBeLessThan(wallNs + 12e6); // a tick
    block(50);
    expect(value(events.read(), 'taskClock') - before - spun).toBeLessThan(40e6);
  });

  it('never go back', () => {
    using events = open();
    const last = new Float64Array(PERF_EVENT_NAMES.length).fill(0);
    const now = new Float64Array(PERF_EVENT_NAMES.length);
    for (let i = 0; i < 200; i++) {
      events.readInto(now);
      for (let j = 0; j < now.length; j++) {
        expect(now[j] ?? 0).not.toBeLessThan(last[j] ?? 0);
        last[j] = now[j] ?? 0;
      }
    }
  });

  it('begin at 0 with each opening', () => {
    spin(20);
    using events = open({ events: ['taskClock'] });
    expect(events.read().taskClock.value).toBeLessThan(15e6);
  });

  it.runIf(cpus.length > 1)('have the moves to another processor', async () => {
    await using worker = await PerfWorker.start();
    const move = (cpu: number | undefined): void => {
      const { status } = spawnSync(TASKSET, ['-cp', String(cpu), String(worker.tid)]);
      expect(status).toBe(0);
    };
    move(cpus[0]);
    await worker.ask({ do: 'open' });
    for (let i = 1; i <= 6; i++) {
      move(cpus[i % 2]);
      await worker.ask({ do: 'spin', ms: 1 });
    }
    const reading = await worker.ask({ do: 'read' });
    expect(reading?.cpuMigrations.value).toBeGreaterThanOrEqual(6);
  });
});

describe('a reading', () => {
  it('has every event, each with a value and a tier or with neither, and a reason', () => {
    using events = open();
    const reading = events.read();
    expect(Object.keys(reading)).toEqual([...PERF_EVENT_NAMES]);
    for (const { value: count, tier, scaled, reason } of Object.values(reading)) {
      expect(count === null).toBe(tier === null);
      expect(typeof scaled).toBe('boolean');
      expect(reason.length).toBeGreaterThan(10);
    }
    expect(structuredClone(reading)).toEqual(reading);
  });

  it('is of the tiers that this machine has', () => {
    using events = open();
    const { taskClock, cycles } = events.tiers;
    if (!native) expect([taskClock, cycles]).toEqual(['procfs', null]);
    else expect(['software', 'procfs']).toContain(taskClock);
    for (const [name, count] of Object.entries(events.read()))
      expect(count.tier).toBe(events.tiers[name as PerfEventName]);
  });

  it('says why there are no counters of the processor, where there are none', () => {
    using events = open({ events: ['cycles', 'branchMisses'] });
    const unread = Object.values(events.read()).filter(({ value: count }) => count === null);
    const why = native
      ? /perf_event_open\(PERF_COUNT_HW_\w+, this thread\) answered E/
      : /takes the addon|only a counter of the processor/;
    for (const { reason } of unread) expect(reason).toMatch(why);
    if (!native) expect(unread).toHaveLength(2);
  });

  it('has what was asked for, in that order, and is typed so', () => {
    using events = open({ events: ['taskClock', 'pageFaults'] });
    const reading = events.read();
    expect(Object.keys(reading)).toEqual(['taskClock', 'pageFaults']);
    expectTypeOf(reading).toEqualTypeOf<PerfReading<'taskClock' | 'pageFaults'>>();
    const into = new Float64Array(3).fill(-1);
    events.readInto(into);
    expect(into[0]).toBeGreaterThanOrEqual(reading.taskClock.value ?? 0);
    expect(into[2]).toBe(-1);
  });

  it('into an array has NaN for what is not to be had', () => {
    using events = open();
    const into = new Float64Array(PERF_EVENT_NAMES.length);
    events.readInto(into);
    const reading = events.read();
    PERF_EVENT_NAMES.forEach((name, i) => {
      expect(Number.isNaN(into[i])).toBe(reading[name].value === null);
    });
  });

  it.runIf(linux)('into an array allocates nothing', () => {
    // Without the addon, Node has the CPU time, and all of the process, in an object that it makes.
    const targets = native ? (['thread', 'process'] as const) : (['thread'] as const);
    const names = PERF_EVENT_NAMES.filter((name) => native || name !== 'taskClock');
    const into = new Float64Array(names.length);
    for (const target of targets) {
      using events = open({ target, events: names });
      const read = (): void => {
        events.readInto(into);
      };
      expect(expectZeroAllocation(read, { iterations: 2000 })).toBeLessThan(0.1);
    }
  });
});

describe('opening', () => {
  it('names the events that there are where one is unknown', () => {
    const unknown: PerfEventName[] = ['cycles', 'flops' as PerfEventName];
    expect(() => PerfEvents.open({ events: unknown })).toThrow(PlatformOptionError);
    expect(() => PerfEvents.open({ events: unknown })).toThrow(/"flops".*cycles, instructions.*taskClock/);
  });

  it.each([
    [{ events: [] }, /at least 1/],
    [{ events: ['cycles', 'cycles'] }, /twice/],
    [{ events: 'cycles' }, /at least 1/],
    [{ target: 'machine' }, /"machine"/],
    [{ target: { tid: 0 } }, /found 0/],
    [{ target: { tid: -1 } }, /found -1/],
    [{ target: { tid: 1.5 } }, /found 1.5/],
    [{ target: { tid: Number.NaN } }, /found NaN/],
    [{ target: { tid: 2 ** 31 } }, /2147483648/],
    [{ excludeKernel: 1 }, /found 1/],
    [{ kernel: false }, /kernel: .*no such option/],
    [{ target: { tid: 1, pid: 1 } }, /pid: .*no such option/],
    [null, /object/],
  ])('refuses %j', (options, message) => {
    expect(() => PerfEvents.open(options as never)).toThrow(PlatformOptionError);
    expect(() => PerfEvents.open(options as never)).toThrow(message);
  });

  it('gives every descriptor back on closing', () => {
    if (!linux) return;
    open().close(); // what loads at the first use stays
    const before = perfDescriptors();
    for (const target of ['thread', 'process'] as const) {
      const events = open({ target });
      if (events.tiers.taskClock === 'software') expect(perfDescriptors()).toBeGreaterThan(before);
      events.close();
      events[Symbol.dispose]();
      expect(perfDescriptors()).toBe(before);
    }
  });
});

it('refuses to be read after closing, or into something too short', () => {
  const events = open();
  expect(() => {
    events.readInto(new Float64Array(PERF_EVENT_NAMES.length - 1));
  }).toThrow(/found 11, expected a Float64Array of at least 12/);
  expect(() => {
    events.readInto([] as never);
  }).toThrow(PlatformOptionError);
  events.close();
  expect(() => events.read()).toThrow(PlatformDisposedError);
  expect(() => {
    events.readInto(new Float64Array(12));
  }).toThrow(PlatformDisposedError);
});
