/** A kernel that takes nothing for a while, as it does where it lacks memory: everything is handed over later, once each, and in order. */
import { describe, expect, onTestFinished, test } from 'vitest';
import { ChainRun } from '../src/chain-run.ts';
import { OP } from '../src/layout.ts';
import { loadNative, type NativeAddon } from '../src/native.ts';
import { Operation } from '../src/operation.ts';
import { RingEngine } from '../src/ring-engine.ts';
import fs from 'node:fs';
import { fileOf, pattern, pipe, shared, turn } from './files.ts';
import { native } from './native-mode.ts';

const [EAGAIN, EBUSY] = [-11, -16];

describe.runIf(native)('a kernel that takes nothing for a while', () => {
  for (const [name, answer] of [
    ['EAGAIN', EAGAIN],
    ['EBUSY', EBUSY],
  ] as const)
    test(`${name}: what has no room to be staged is not started, and all of it completes`, async () => {
      const addon = loadNative().addon as NativeAddon;
      let refusals = 7;
      const submitted: number[] = [];
      const reluctant: NativeAddon = {
        ...addon,
        submit(ring, count) {
          submitted.push(count);
          return refusals-- > 0 ? answer : addon.submit(ring, count);
        },
      };
      const engine = RingEngine.open(reluctant, { entries: 4, files: 0, fixedBuffers: false });
      if (typeof engine === 'string') throw new Error(engine);
      onTestFinished(() => engine.close());
      const fd = fs.openSync(fileOf(pattern(64)), 'r');
      onTestFinished(() => fs.closeSync(fd));
      const memory = shared(64);
      const results: number[] = [];
      let started = 0;
      const start = (): void => {
        while (started < 64 && engine.roomFor(1)) {
          const operation = new Operation(OP.read, 'read');
          operation.fd = fd;
          operation.position = started;
          operation.view = memory.subarray(started, started + 1);
          operation.completion = { completed: (_, result) => void results.push(result) };
          engine.start(operation);
          started++;
        }
      };
      engine.onRoom = start;
      start();
      expect(started).toBe(4); // as many as records can be staged
      while (results.length < 64) await turn();
      expect(results.every((result) => result === 1)).toBe(true);
      expect(memory).toEqual(pattern(64));
      expect(Math.max(...submitted)).toBe(4);
      expect(engine.inFlight).toBe(0);
    });

  for (const taken of [1, 2, 3])
    test(`of a chain it takes ${taken}: the rest is over, and does not begin by itself`, async () => {
      const addon = loadNative().addon as NativeAddon;
      const submitted: number[] = [];
      const tired: NativeAddon = {
        ...addon,
        submit(ring, count) {
          submitted.push(count);
          return addon.submit(ring, submitted.length === 1 ? 1 + taken : count);
        },
      };
      const engine = RingEngine.open(tired, { entries: 8, files: 0, fixedBuffers: false }) as RingEngine;
      onTestFinished(() => engine.close());
      const name = fileOf('');
      const fd = fs.openSync(name, 'r+');
      onTestFinished(() => fs.closeSync(fd));
      const memory = shared(1);
      const over: [number, number][] = [];
      const write = (position: number): Operation => {
        const operation = new Operation(OP.write, 'write');
        operation.fd = fd;
        operation.position = position;
        operation.view = memory;
        operation.completion = { completed: (_, result) => void over.push([position, result]) };
        return operation;
      };
      const { head } = new ChainRun([]);
      head.steps = [1, 2, 3, 4].map((position) => write(position));
      for (const step of head.steps) step.chain = head;
      engine.start(write(0));
      engine.start(head);
      engine.start(write(5));
      while (over.length < 6) await turn();
      expect(submitted).toEqual([6, 1]); // what is behind the chain
      const results = over.toSorted(([a], [b]) => a - b).map(([, result]) => result);
      expect(results).toEqual([1, 2, 3, 4, 5, 6].map((_, at) => (at > taken && at < 5 ? -125 : 1)));
      expect(engine.inFlight).toBe(0);
    });

  // What the kernel answers where a step is about to end by itself, and where it has not begun.
  for (const [name, answer] of [
    ['EALREADY', -114],
    ['ENOENT', -2],
  ] as const)
    test(`${name} to the cancellation of a step: the next one does not wait for ever`, async () => {
      const addon = loadNative().addon as NativeAddon;
      let asked = -1; // opening asks as well
      const late: NativeAddon = {
        ...addon,
        cancelOperation: (ring, id) => (asked++ === 0 ? answer : addon.cancelOperation(ring, id)),
      };
      const engine = RingEngine.open(late, { entries: 8, files: 0, fixedBuffers: false }) as RingEngine;
      onTestFinished(() => engine.close());
      const fd = pipe();
      const memory = shared(4);
      const results: number[] = [];
      const { head } = new ChainRun([]);
      head.steps = [0, 1, 2].map((at) => {
        const operation = new Operation(OP.read, 'read');
        operation.fd = fd;
        operation.view = memory.subarray(at, at + 1);
        operation.chain = head;
        operation.completion = { completed: (_, result) => void results.push(result) };
        return operation;
      });
      engine.start(head);
      await turn();
      engine.cancel(head);
      if (name === 'EALREADY') fs.writeSync(fd, 'x'); // it ends after all, and the next begins
      while (results.length < 3) await turn();
      expect(results).toEqual(name === 'EALREADY' ? [1, -125, -125] : [-125, -125, -125]);
      expect(asked).toBeGreaterThan(1);
    });
});
