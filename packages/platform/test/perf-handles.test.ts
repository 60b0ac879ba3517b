import { Worker } from 'node:worker_threads';
import { once } from 'node:events';
import { describe, expect, it, vi } from 'vitest';
import { PERF_OPEN, type NativePerf } from '../src/perf/native-perf.ts';
import { loadNative } from '../src/native.ts';
import { native } from './native-mode.ts';
import { perfDescriptors, perfMappings } from './perf-descriptors.ts';

vi.setConfig({ testTimeout: 30_000 });

const SOFTWARE = 1;
const PAGE_FAULTS = 2;
const TASK_CLOCK = 1;
const EBADF = -9;
const EINVAL = -22;
const EOPNOTSUPP = -95;

function perf(): NativePerf {
  const { addon } = loadNative();
  if (addon === null) throw new Error('no addon');
  return addon;
}

/** User space only, which most machines let anybody count. */
function open(leader = 0, config = TASK_CLOCK, flags: number = PERF_OPEN.excludeKernel): number {
  return perf().perfOpen(SOFTWARE, config, 0, 0, leader, flags);
}

const countable =
  native &&
  (() => {
    const handle = open();
    return handle > 0 && perf().perfClose(handle) === 0;
  })();

describe.runIf(native)('what is not a handle', () => {
  it.each([0, 1, 2, 3, 15, 65_535, 65_536, 65_537, 65_538, 2 ** 32, 2 ** 53 - 1])(
    'reaches nothing, though a descriptor may have the number: %i',
    (made) => {
      const out = new Float64Array(18);
      expect(perf().perfClose(made)).toBe(EBADF);
      expect(perf().perfEnable(made)).toBe(EBADF);
      expect(perf().perfRead(made, out)).toBe(EBADF);
      expect(perf().perfReadPages(made, out)).toBe(EBADF);
      if (made > 0) expect(open(made)).toBe(EBADF);
    },
  );

  it.each([-1, 0.5, Number.NaN, Infinity, '1', null, undefined, {}])('is thrown back: %s', (made) => {
    expect(() => perf().perfClose(made as number)).toThrow(TypeError);
    expect(() => perf().perfRead(made as number, new Float64Array(18))).toThrow(TypeError);
  });
});

describe.runIf(countable)('a handle', () => {
  it('is good for as long as it is open, and for nothing afterwards, though its place is used again', () => {
    const first = open();
    expect(perf().perfClose(first)).toBe(0);
    expect(perf().perfClose(first)).toBe(EBADF);
    const second = open();
    expect(second).not.toBe(first);
    expect(perf().perfRead(first, new Float64Array(3))).toBe(EBADF);
    expect(perf().perfRead(second, new Float64Array(3))).toBe(1);
    expect(perf().perfClose(first)).toBe(EBADF);
    expect(perf().perfClose(second)).toBe(0);
  });

  it('is good on its own thread only', async () => {
    const mine = open();
    const source = JSON.stringify(new URL('../src/native.ts', import.meta.url).href);
    const code = `import(${source}).then(({ loadNative }) => {
      const { addon } = loadNative();
      const { parentPort, workerData } = require('node:worker_threads');
      parentPort.postMessage([addon.perfRead(workerData, new Float64Array(3)), addon.perfClose(workerData)]);
    })`;
    const worker = new Worker(code, {
      eval: true,
      workerData: mine,
      execArgv: ['--conditions=@corelane/source'],
    });
    expect((await once(worker, 'message'))[0]).toEqual([EBADF, EBADF]);
    await worker.terminate();
    expect(perf().perfClose(mine)).toBe(0);
  });

  it('reads nothing into what is too short, and writes nothing beyond its counts', () => {
    const leader = open();
    expect(open(leader, PAGE_FAULTS)).toBeGreaterThan(0);
    expect(perf().perfEnable(leader)).toBe(0);
    expect(perf().perfRead(leader, new Float64Array(3))).toBe(EINVAL);
    const out = new Float64Array(6).fill(-1);
    expect(perf().perfRead(leader, out)).toBe(2);
    expect(out[0]).toBeGreaterThan(0);
    expect([...out.subarray(4)]).toEqual([-1, -1]);
    expect(perf().perfClose(leader)).toBe(0);
  });

  it('has room for a group of 16, and no more', () => {
    const before = perfDescriptors();
    const leader = open();
    const members = Array.from({ length: 15 }, () => open(leader, PAGE_FAULTS));
    expect(members.every((handle) => handle > 0)).toBe(true);
    expect(open(leader)).toBe(EINVAL);
    const out = new Float64Array(18);
    expect(perf().perfRead(leader, out)).toBe(16);
    for (const handle of [...members, leader]) expect(perf().perfClose(handle)).toBe(0);
    expect(perfDescriptors()).toBe(before);
  });

  it('of a group that lost a member answers so, and not with another member’s count', () => {
    const leader = open();
    const member = open(leader, PAGE_FAULTS);
    expect(perf().perfClose(member)).toBe(0);
    expect(perf().perfRead(leader, new Float64Array(18))).toBe(EBADF);
    expect(perf().perfClose(leader)).toBe(0);
  });

  it('has a page where it was asked for, which goes with it', () => {
    const before = perfMappings();
    const handle = open(0, TASK_CLOCK, PERF_OPEN.excludeKernel + PERF_OPEN.map);
    expect(perfMappings()).toBe(before + 1);
    // What the kernel counts is in no register, and the page says so.
    expect(perf().perfReadPages(handle, new Float64Array(3))).toBe(EOPNOTSUPP);
    expect(perf().perfClose(handle)).toBe(0);
    expect(perfMappings()).toBe(before);
  });

  it('keeps its place among hundreds', () => {
    const before = perfDescriptors();
    const handles = Array.from({ length: 300 }, () => open());
    expect(new Set(handles).size).toBe(300);
    for (const handle of handles) expect(perf().perfRead(handle, new Float64Array(3))).toBe(1);
    for (const handle of handles) expect(perf().perfClose(handle)).toBe(0);
    expect(perfDescriptors()).toBe(before);
  });

  it('with its page ends with its thread', async () => {
    const [descriptors, mappings] = [perfDescriptors(), perfMappings()];
    const source = JSON.stringify(new URL('../src/native.ts', import.meta.url).href);
    const code = `import(${source}).then(({ loadNative }) => {
      const { addon } = loadNative();
      for (let i = 0; i < 40; i++) addon.perfOpen(1, 1, 0, 0, 0, 1 + 8);
      addon.perfClose(addon.perfOpen(1, 1, 0, 0, 0, 1 + 8)); // a free place among them
      require('node:worker_threads').parentPort.postMessage(0);
      for (;;);
    })`;
    const worker = new Worker(code, { eval: true, execArgv: ['--conditions=@corelane/source'] });
    await once(worker, 'message');
    expect(perfDescriptors()).toBe(descriptors + 40);
    expect(perfMappings()).toBeGreaterThan(mappings);
    await worker.terminate();
    expect([perfDescriptors(), perfMappings()]).toEqual([descriptors, mappings]);
  });
});

describe.runIf(native)('opening', () => {
  it('refuses ids that mean more than a thread, and flags that are none', () => {
    expect(perf().perfOpen(SOFTWARE, TASK_CLOCK, 0, -1, 0, 1)).toBe(EINVAL);
    expect(perf().perfOpen(SOFTWARE, TASK_CLOCK, 0, 0, 0, 16)).toBe(EINVAL);
    expect(perf().perfUsage(0, new Float64Array(4))).toBe(EINVAL);
  });
});
