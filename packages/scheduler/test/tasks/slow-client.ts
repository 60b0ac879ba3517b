// A client that has tasks in the slow lane when it ends.
import { workerData } from 'node:worker_threads';
import { Scheduler, type SchedulerHandle } from '../../src/index.ts';
import { gated } from './gated.ts';

const { handle, word } = workerData as { handle: SchedulerHandle; word: number };
const client = Scheduler.attach(handle);
for (let i = 0; i < 5; i++) client.run(gated.count, word, { lane: 'slow' }).catch(() => {});
