// The task that the scheduler's threads run: looks at a body where it lies, in its pooled buffer. Only three numbers travel to it, and
// a number or a name back.
import { workerData } from 'node:worker_threads';
import { BufferPool, type BufferPoolHandle } from '@corelane/buffer-pool';
import { defineTasks } from '@corelane/scheduler';
import { checkBody, type BodyFault, type BodyLimits } from './checks/check-body.ts';
import { ENCODINGS } from './checks/inflate-guard.ts';
import { entryUrl } from './entry.ts';

/** `workerData` of the scheduler's threads. */
export interface CheckWorkerData {
  readonly pool: BufferPoolHandle;
  readonly limits: BodyLimits;
  /** Fault injection: the body of this number is looked at for ever; 0: none. */
  readonly stuckEvery: number;
}

/** Token of the lease, bytes in its buffer, index in ENCODINGS or -1. */
export type CheckArguments = readonly [token: number, length: number, encoding: number];

/** What a number that comes back stands for; a good body without a repository is 0, one with a repository is its name. */
export const FAULTS: readonly (BodyFault | undefined)[] = [
  undefined,
  'malformed',
  'tooDeep',
  'badName',
  'bomb',
];

let pool: BufferPool | undefined;
let checked = 0;

async function check([token, length, encoding]: CheckArguments): Promise<number | string> {
  const data = workerData as CheckWorkerData;
  checked++;
  // A handler that never yields: nothing but the end of its thread stops it.
  while (data.stuckEvery > 0 && checked % data.stuckEvery === 0);
  pool ??= BufferPool.attach(data.pool);
  // Fails where the lease has ended: the HTTP worker that asked is dead.
  const bytes = pool.open(token).bytes.subarray(0, length);
  const { fault, repository } = await checkBody(bytes, ENCODINGS[encoding], data.limits);
  return repository ?? FAULTS.indexOf(fault);
}

// Named by its entry, not by the file that the build puts this code into.
export const checkTasks = defineTasks(entryUrl('check-task'), { check });
