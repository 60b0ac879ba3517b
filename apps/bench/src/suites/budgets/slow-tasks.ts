// What keeps a worker of the slow lane busy. `workerData` is an Int32Array of two words: the gate, and whether it runs.
import { workerData } from 'node:worker_threads';
import { defineTasks } from '@corelane/scheduler/tasks';

export const slowTasks = defineTasks(import.meta.url, {
  hold(): void {
    const words = workerData as Int32Array;
    Atomics.store(words, 1, 1);
    Atomics.notify(words, 1);
    Atomics.wait(words, 0, 0);
  },
});
