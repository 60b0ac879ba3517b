// The process of one case: its own pool of threads, its own CPU time.
import { collectYoung } from '../../collect.ts';
import { observeSpent, serveRequests } from '../../companion.ts';
import { COPIES } from './copy-tasks.ts';
import { PASSES } from './pass-tasks.ts';
import { READERS } from './random-tasks.ts';
import type { Task, TaskAnswer, TaskRequest } from './task.ts';

const TASKS = { ...READERS, ...PASSES, ...COPIES };

let task: Task | undefined;

serveRequests(async (request: TaskRequest): Promise<TaskAnswer | null> => {
  if (request.type === 'open') {
    task = await TASKS[request.how](request);
    return null;
  }
  if (task === undefined) throw new Error('a run before the opening');
  collectYoung();
  const spent = observeSpent();
  const ran = await task.run(request.operations);
  const { elapsedNs, cpuNs } = spent();
  return { successful: task.settle?.() ?? ran, elapsedNs, cpuNs };
});
