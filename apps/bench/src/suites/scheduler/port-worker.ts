// The worker's end of a message port by hand: one task a message, or many. Results go back in the order of the tasks.
import { parentPort } from 'node:worker_threads';
import type { PortMessage } from './port-message.ts';
import * as work from './work.ts';

parentPort?.on('message', ({ task, argument, many }: PortMessage) => {
  const run = work[task] as (argument: unknown) => unknown;
  if (!many) {
    parentPort?.postMessage(run(argument));
    return;
  }
  const values = argument as unknown[];
  for (let index = 0; index < values.length; index++) values[index] = run(values[index]);
  parentPort?.postMessage(values);
});
