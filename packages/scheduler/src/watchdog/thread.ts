// The thread of a watchdog that does not share the owner's: it looks, and ends workers, also while the owner is busy. The owner learns of it when it comes to that.
import { workerData, type MessagePort } from 'node:worker_threads';
import { SchedulerTable, type SchedulerHandle } from '../table.ts';
import { exitThread, LATE } from './inspected-thread.ts';
import type { WatchdogPlan } from './options.ts';
import { Watchdog, type SlowTask } from './watchdog.ts';

export interface ThreadData {
  readonly handle: SchedulerHandle;
  readonly plan: WatchdogPlan;
  readonly port: MessagePort;
}

export interface ThreadMessage {
  readonly type: 'slow' | 'stuck';
  readonly task: SlowTask;
}

const LONGEST_TIMER_MS = 2 ** 31 - 1;
/** Of a worker that was ended from here. */
const EXIT_CODE = 1;
const MOST_ENDS = 8;

function main({ handle, plan, port }: ThreadData): void {
  const keepAlive = setInterval(() => {}, LONGEST_TIMER_MS);
  const tell = (message: ThreadMessage): void => port.postMessage(message);
  const watchdog = new Watchdog(SchedulerTable.attach(handle), plan, {
    slow: (task) => tell({ type: 'slow', task }),
    stuck: (task) => {
      tell({ type: 'stuck', task }); // before the end: who sees that asks for this
      void end(task.threadId, plan.stackTimeoutMs);
    },
  });
  port.on('close', () => {
    watchdog[Symbol.dispose]();
    clearInterval(keepAlive);
  });
}

/** Where the main thread does not pass it on, it is asked once more; the owner terminates it as well. */
async function end(threadId: number, timeoutMs: number): Promise<void> {
  for (let times = 0; times < MOST_ENDS; times++) {
    const { reason } = await exitThread(threadId, EXIT_CODE, timeoutMs);
    if (reason === undefined || !reason.includes(LATE)) return;
  }
}

main(workerData as ThreadData);
