import { Worker } from 'node:worker_threads';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { describe, expect, it } from 'vitest';
import { PerfEvents } from '../src/index.ts';
import { linux } from './machine-facts.ts';
import { valueOf } from './memory-buffers.ts';

const OPENINGS = 12;
const WINDOW_MS = 150;
/** The kernel books running threads at ticks, of up to 10 ms, on each processor. */
const BOOKED_LATE_NS = availableParallelism() * 10e6;

/** Begins threads one after the other, each of which runs for a while, two at a time. */
const BREEDER = `
  const { Worker, parentPort } = require('node:worker_threads');
  const spin = 'const end = Date.now() + 60; while (Date.now() < end);';
  const next = () => new Worker(spin, { eval: true }).once('exit', next);
  next();
  next();
  parentPort.postMessage('breeding');`;

function bookedNs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1000;
}

describe.runIf(linux)('the CPU time of a process whose threads come and go', () => {
  it('is what the kernel booked, whenever counting began: no thread left out, none counted twice', async () => {
    await using breeder = new Worker(BREEDER, { eval: true });
    await once(breeder, 'message');
    for (let i = 0; i < OPENINGS; i++) {
      using events = valueOf(PerfEvents.open({ target: 'process', events: ['taskClock'] }));
      const read = (): { before: number; counted: number; after: number } => {
        const before = bookedNs();
        const counted = events.read().taskClock.value ?? Number.NaN;
        return { before, counted, after: bookedNs() };
      };
      const start = read();
      const end = performance.now() + WINDOW_MS;
      while (performance.now() < end) await new Promise(setImmediate);
      const stop = read();
      // This thread may lose the processor between two readings, and the others go on: hence bounds on both sides.
      const counted = stop.counted - start.counted;
      expect(counted).toBeGreaterThan((stop.before - start.after) * 0.98 - BOOKED_LATE_NS);
      expect(counted).toBeLessThan((stop.after - start.before) * 1.02 + BOOKED_LATE_NS);
    }
  }, 60_000);
});
