// What it costs to enter the slow lane, and to take from it, on one thread: `npm run slow-lane-costs`. Medians and the best of many rounds, of 64 tasks each.
import { Scheduler } from '../src/index.ts';
import { ENDED_FINE, ENDED_MOVED, MOVED_UNBEGUN, slotHead } from '../src/layout.ts';
import { NUMBER } from '../src/payload-kind.ts';
import { slowNowMs } from '../src/slow-lane/slow-lane.ts';
import { markMoved } from '../src/slow-lane/worker-moves.ts';
import { tasks } from './tasks/basic.ts';

const TASKS = 64;
const ROUNDS = 4000;
const COMMON = 1;
const SLOW = 2;
const CLIENT = 1;
const LEVEL = 10;
const NORMAL = 2;

const scheduler = Scheduler.create({
  threads: 1,
  growth: 'manual',
  slowLane: { perSource: 4096, boostMs: 1_000_000 },
});
const { table } = scheduler;
const { kernel, at, i32 } = table;
for (const party of [COMMON, SLOW]) kernel.beginWork(at, party);
const slots = Array.from({ length: TASKS }, () => kernel.acquireSlot(at, CLIENT));
for (const slot of slots) {
  const word = table.slotWord(slot);
  i32[word + slotHead.word.task] = 0;
  i32[word + slotHead.word.kind] = NUMBER;
  i32[word + slotHead.word.lane] = LEVEL;
  i32[word + slotHead.word.deadline] = 0;
}

type Part = () => void;

const each = (part: (slot: number) => void): Part => {
  return () => {
    for (const slot of slots) part(slot);
  };
};

/** Nanoseconds for one task, of parts that follow each other. */
function measure(parts: Readonly<Record<string, Part>>): void {
  const names = Object.keys(parts);
  const times = names.map(() => new Float64Array(ROUNDS));
  for (let round = -ROUNDS; round < ROUNDS; round++) {
    for (const [i, name] of names.entries()) {
      const startMs = performance.now();
      parts[name]?.();
      if (round >= 0) (times[i] as Float64Array)[round] = ((performance.now() - startMs) * 1e6) / TASKS;
    }
  }
  for (const [i, name] of names.entries()) {
    const sorted = (times[i] as Float64Array).toSorted();
    const [best, median] = [sorted[0] ?? Number.NaN, sorted[ROUNDS >> 1] ?? Number.NaN];
    if (name.trim() !== '')
      console.log(`${name.padEnd(44)}${best.toFixed(0).padStart(6)}${median.toFixed(0).padStart(8)}`);
  }
}

console.log(`${'nanoseconds a task'.padEnd(44)}${'best'.padStart(6)}${'median'.padStart(8)}`);
measure({
  'slow lane, in (claim of the reference: 416)': each((slot) =>
    kernel.submitSlow(at, slot, CLIENT, NORMAL, slowNowMs(), 0),
  ),
  'slow lane, out (0.9, without its workers)': each(() => kernel.claimSlow(at, SLOW, 0, slowNowMs())),
  '': () => {
    for (const slot of slots) kernel.finishSlot(at, slot, SLOW, ENDED_FINE);
    kernel.takeFinished(at, CLIENT);
  },
});
measure({
  'a common lane, in': each((slot) => kernel.submitSlot(at, slot, CLIENT, LEVEL)),
  'a common lane, out': each(() => kernel.claimTask(at, COMMON, 0)),
  '': () => {
    for (const slot of slots) kernel.finishSlot(at, slot, COMMON, ENDED_FINE);
    kernel.takeFinished(at, CLIENT);
  },
});
for (const slot of slots) kernel.releaseSlot(at, slot, CLIENT);
const submit: Part = () => {
  for (let i = 0; i < TASKS; i++) scheduler.run(tasks.double, 1).catch(() => {});
};
measure({
  '': submit,
  'a worker moves it': () => {
    for (let i = 0; i < TASKS; i++) {
      const slot = kernel.claimTask(at, COMMON, 0);
      markMoved(table, slot, MOVED_UNBEGUN);
      kernel.finishSlot(at, slot, COMMON, ENDED_MOVED);
    }
  },
  'its client enters it': () => scheduler.client.collect(),
  ' ': () => {
    for (let i = 0; i < TASKS; i++) {
      const slot = kernel.claimSlow(at, SLOW, 0, slowNowMs());
      i32[table.slotWord(slot) + slotHead.word.kind] = NUMBER; // its result
      kernel.finishSlot(at, slot, SLOW, ENDED_FINE);
    }
    scheduler.client.collect();
  },
});
await scheduler.destroy();
