// The worker's end of a message port by hand: one task a message, or many. Results go back in the order of the tasks.
import { parentPort } from 'node:worker_threads';
import type { PortMessage, TaskName } from './port-message.ts';
import { digest, double, holdWhile, whoRuns } from './work.ts';

type Run = (argument: unknown) => unknown;

const TASKS: Readonly<Record<TaskName, Run>> = {
  digest: (bytes) => digest(bytes as Uint8Array),
  double: (n) => double(n as number),
  holdWhile: (path) => holdWhile(path as string),
  whoRuns: (n) => whoRuns(n as number),
};

parentPort?.on('message', ({ task, argument, many }: PortMessage) => {
  const run = TASKS[task];
  if (!many) {
    parentPort?.postMessage(run(argument));
    return;
  }
  const values = argument as unknown[];
  for (let index = 0; index < values.length; index++) values[index] = run(values[index]);
  parentPort?.postMessage(values);
});
