// The addon's functions of threads, called as no TypeScript of ours calls them.
import { describe, expect, test, vi } from 'vitest';
import type { NativeThreads } from '../src/index.ts';
import { loadNative } from '../src/native.ts';
import { native } from './native-mode.ts';
import { ThreadWorker } from './thread-worker.ts';

// Workers and processes start slowly on a machine that is busy with others.
vi.setConfig({ testTimeout: 30_000 });

type Loose = Record<keyof NativeThreads, (...args: unknown[]) => number>;

describe.runIf(native)('native/threads.c', () => {
  const addon = loadNative().addon as unknown as Loose;
  const mask = new Uint8Array(128);
  const byThread: [keyof NativeThreads, unknown[]][] = [
    ['affinity', [mask, 0, 128]],
    ['setAffinity', [mask, 0, 128]],
    ['priority', []],
    ['setNice', [0]],
    ['scheduler', []],
    ['schedulerPriority', []],
    ['setScheduler', [0, 0]],
    ['threadCpuTimeNs', []],
    ['ownThread', []],
  ];

  test.each(byThread)('%s reaches no thread of another process', (name, rest) => {
    for (const tid of [1, process.ppid, 0x7f_ff_ff_ff, 2 ** 28, 2 ** 22, -1, -process.pid])
      expect(addon[name](tid, ...rest)).toBe(-3);
  });

  test.each(byThread)('%s throws for what is no thread id, or is missing', (name, rest) => {
    for (const bad of [undefined, null, '1', 1.5, Number.NaN, 2 ** 31, {}, 1n])
      expect(() => addon[name](bad, ...rest)).toThrow(TypeError);
    expect(() => addon[name]()).toThrow(TypeError);
  });

  test('a range that leaves its view throws before the kernel sees it', () => {
    for (const name of ['affinity', 'setAffinity'] as const) {
      for (const [offset, length] of [
        [0, 129],
        [1, 128],
        [129, 0],
        [-1, 8],
        [0, -8],
        [2 ** 53, 8],
        [Number.NaN, 8],
        [8, 2 ** 53 - 1],
      ])
        expect(() => addon[name](0, mask, offset, length)).toThrow(TypeError);
      for (const bad of [undefined, {}, [], new ArrayBuffer(128), new SharedArrayBuffer(128)])
        expect(() => addon[name](0, bad, 0, 8)).toThrow(TypeError);
    }
    const detached = new Uint8Array(8);
    structuredClone(detached.buffer, { transfer: [detached.buffer] });
    expect(() => addon.affinity(0, detached, 0, 8)).toThrow(TypeError);
  });

  test('a time is written inside of its view only', () => {
    const cell = new Float64Array(4).fill(-7);
    for (const offset of [32, 25, -1, 2 ** 53, Number.NaN])
      expect(() => addon.threadCpuTimeInto(0, cell, offset)).toThrow(Error);
    expect([...cell]).toEqual([-7, -7, -7, -7]);
    addon.threadCpuTimeInto(0, cell, 24);
    expect(cell[3]).toBeGreaterThan(0);
    addon.threadCpuTimeInto(1, cell, 0);
    expect([...cell.subarray(0, 3)]).toEqual([-3, -7, -7]);
    expect(() => addon.threadCpuTimeInto(0, new Uint8Array(7), 0)).toThrow(RangeError);
    expect(() => addon.threadCpuTimeInto(0, new Float64Array(0), 0)).toThrow(RangeError);
  });

  test('0 is the calling thread, the same as by its id', () => {
    const tid = addon.threadId();
    expect(addon.ownThread(tid)).toBe(0);
    expect(addon.priority(0)).toBe(addon.priority(tid));
    expect(addon.scheduler(0)).toBe(addon.scheduler(tid));
    const before = addon.threadCpuTimeNs(0);
    expect(addon.threadCpuTimeNs(tid)).toBeGreaterThanOrEqual(before);
    expect(addon.affinity(0, mask, 0, 128)).toBe(addon.affinity(tid, mask, 0, 128));
  });

  test('threads that end while they are asked about answer ESRCH, never another error', async () => {
    for (let round = 0; round < 5; round++) {
      const worker = await ThreadWorker.start();
      const ended = worker[Symbol.asyncDispose]();
      const state = { over: false };
      void ended.then(() => (state.over = true));
      while (!state.over) {
        for (const [name, rest] of byThread) {
          if (name === 'setAffinity') continue;
          const answer = addon[name](worker.tid, ...rest);
          expect(answer === -3 || answer >= 0).toBe(true);
        }
        await new Promise(setImmediate);
      }
      expect(addon.ownThread(worker.tid)).toBe(-3);
    }
  });
});

test.runIf(!native)('without the addon there is nothing to call', () => {
  expect(loadNative().addon).toBeNull();
});
