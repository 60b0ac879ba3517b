// The tasks of this repository's scheduler: what is imported by its workers.
import { workerData } from 'node:worker_threads';
import { defineTasks } from '@corelane/scheduler/tasks';
import { digest, double, holdWhile, whoRuns } from './work.ts';

/** The memory of the case that passes bytes by where they lie. */
interface Shared {
  readonly memory: SharedArrayBuffer;
}

let memory: Uint8Array | undefined;

/** As `digest`, of bytes in shared memory that the worker got when it was started. */
function digestAt([offset, length]: readonly number[]): string {
  memory ??= new Uint8Array((workerData as Shared).memory);
  return digest(memory.subarray(offset, (offset as number) + (length as number)));
}

export const tasks = defineTasks(import.meta.url, { digest, digestAt, double, holdWhile, whoRuns });
