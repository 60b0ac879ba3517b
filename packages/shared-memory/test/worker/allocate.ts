// Allocates ranges of many sizes and reports them.
import { parentPort, workerData } from 'node:worker_threads';
import { Arena } from '../../src/index.ts';
import { arrive } from '../../../../tools/testing/crew.ts';

const arena = Arena.attach(workerData.arena);
arrive(workerData);
const ranges = [];
for (let i = 0; i < workerData.times; i++) {
  const bytes = 4 + (i % 50);
  ranges.push({ at: arena.allocate(bytes, 4 << (i % 4)), bytes });
}
parentPort!.postMessage(ranges);
