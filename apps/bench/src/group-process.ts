// Runs a phase of a group in a fresh process, so that no group meets another's compiled code, type feedback or heap.
import { fork } from 'node:child_process';
import { ALLOCATION_FLAGS } from './allocation.ts';
import { entryUrl } from './entry-url.ts';
import type { RawGroup } from './group-report.ts';
import type { Job, Message } from './messages.ts';

export interface GroupProcessOptions {
  readonly timeoutSeconds: number;
  readonly onProgress: (text: string) => void;
}

function failed(reason: string): RawGroup {
  return { cases: [], failures: [{ case: null, reason }], rounds: [], conclusive: true, clock: null };
}

/** Never rejects: a process that crashes, hangs or cannot start is a failure in the report. */
export function runInProcess(job: Job, options: GroupProcessOptions): Promise<RawGroup> {
  const { timeoutSeconds, onProgress } = options;
  return new Promise((resolve) => {
    const child = fork(entryUrl('child'), {
      execArgv: [...process.execArgv, '--expose-gc', ...(job.phase === 'allocation' ? ALLOCATION_FLAGS : [])],
      stdio: ['ignore', 2, 2, 'ipc'], // stdout belongs to the bench's own report
    });
    let outcome: RawGroup | undefined;
    const timer = setTimeout(() => {
      outcome ??= failed(`the ${job.phase} phase did not end within ${timeoutSeconds} s`);
      child.kill('SIGKILL');
    }, timeoutSeconds * 1000);
    child.on('message', (message: Message) => {
      switch (message.type) {
        case 'ready':
          child.send(job);
          break;
        case 'progress':
          onProgress(message.text);
          break;
        case 'done':
          outcome ??= message.report;
          break;
        case 'failed':
          outcome ??= failed(message.reason);
          break;
      }
    });
    child.once('error', (error) => {
      outcome ??= failed(`the process of the ${job.phase} phase: ${error.message}`);
      clearTimeout(timer);
      resolve(outcome);
    });
    child.once('exit', (code, signal) => {
      clearTimeout(timer);
      resolve(
        outcome ??
          failed(`the process of the ${job.phase} phase ended with ${signal ?? code} before its report`),
      );
    });
  });
}
