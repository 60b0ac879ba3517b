// What the watchdog finds, for those who watch all schedulers of a process: channels of `node:diagnostics_channel`, on the owner's thread.
import { channel } from 'node:diagnostics_channel';
import type { SlowTask } from './watchdog.ts';

/** What subscribers get. */
export interface SlowTaskMessage extends SlowTask {
  /** Option `name` of the scheduler. */
  readonly scheduler: string;
}

const SLOW = channel('corelane:scheduler:slow-task');
const STUCK = channel('corelane:scheduler:stuck-task');

export function publishSlow(scheduler: string, task: SlowTask): void {
  if (SLOW.hasSubscribers) SLOW.publish({ scheduler, ...task } satisfies SlowTaskMessage);
}

export function publishStuck(scheduler: string, task: SlowTask): void {
  if (STUCK.hasSubscribers) STUCK.publish({ scheduler, ...task } satisfies SlowTaskMessage);
}
