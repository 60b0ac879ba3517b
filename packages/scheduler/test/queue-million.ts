// A million tasks are queued behind one that runs, and the memory of each is told; then all of them run, and each result is looked at.
// `npm run queue-million [-- --tasks N]`
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Scheduler } from '../src/index.ts';
import { gated } from './tasks/gated.ts';
import { tasks } from './tasks/basic.ts';
import { Words } from './tasks/words.ts';

const { values } = parseArgs({ options: { tasks: { type: 'string' } } });
const wanted = Number(values.tasks ?? 1e6);
if (!Number.isSafeInteger(wanted) || wanted < 1)
  throw new RangeError(`--tasks ${values.tasks}: expected a whole number above 0`);

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

interface Memory {
  readonly residentBytes: number;
  readonly heapBytes: number;
}

function memory(): Memory {
  collect();
  collect();
  const { rss, heapUsed } = process.memoryUsage();
  return { residentBytes: rss, heapBytes: heapUsed };
}

const ns = (sinceMs: number): string =>
  `${Math.round(((performance.now() - sinceMs) * 1e6) / wanted)} ns a task`;
const each = (bytes: number): string => `${Math.round(bytes / wanted)} B a task`;

const words = new Words();
const scheduler = Scheduler.create({
  threads: 1,
  workerData: words.view,
  preload: [gated.hold, tasks.double],
});
const held = scheduler.run(gated.hold, 1);
await words.arrived(1);

const before = memory();
let since = performance.now();
const results = Array.from({ length: wanted }, (_, n) => scheduler.run(tasks.double, n));
console.log(`${wanted} tasks queued: ${ns(since)}`);
const after = memory();
console.log(`resident memory: ${each(after.residentBytes - before.residentBytes)}`);
console.log(`JavaScript heap: ${each(after.heapBytes - before.heapBytes)}`);
const { queued, slots } = scheduler.stats();
console.log(`${queued.normal} of them in ${slots.total} slots, the others in line`);

since = performance.now();
words.open();
await held;
let right = 0;
for (const [n, result] of results.entries()) if ((await result) === 2 * n) right++;
console.log(`all run: ${ns(since)}; ${right} of ${wanted} results are right`);
await scheduler.close();
process.exitCode = right === wanted ? 0 : 1;
