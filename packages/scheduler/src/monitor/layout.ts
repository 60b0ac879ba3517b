// The only place with offsets of what workers have counted of polls.
import { atomic, immutable, ownerOnly, root, struct } from '@corelane/shared-memory';

/** It is not known yet. */
export const CPU_SOURCE_NONE = 0;
export const CPU_SOURCE_THREAD = 1;
export const CPU_SOURCE_WALL = 2;

/** Followed by workerWatch of each worker, then nameWatch of each name of a task. */
export const watchRoot = root('scheduler/watch', 1, {
  names: immutable('i32', { doc: 'names of tasks at most' }),
  workers: immutable('i32', { doc: 'places for workers' }),
  hooks: atomic('i32', {
    line: true,
    doc: 'grows when workers are to exchange their hooks; wraps',
    writer: 'the owner, after it has told them which',
    reader: 'workers that find nothing to do',
  }),
});

const COUNT = { hot: 'worker', writer: 'the worker', reader: 'any thread' } as const;

/** One worker, and those of its index before it. Counts wrap at 2^32. */
export const workerWatch = struct(
  'scheduler/worker-watch',
  1,
  {
    polls: ownerOnly('i32', { ...COUNT, line: true, doc: 'runs of tasks’ code' }),
    violations: ownerOnly('i32', { ...COUNT, doc: 'polls that were violations' }),
    byBudget: ownerOnly('i32', { ...COUNT, doc: 'of these, those that spent their budget' }),
    byCpu: ownerOnly('i32', { ...COUNT, doc: 'those that used too much CPU time' }),
    bySlow: ownerOnly('i32', { ...COUNT, doc: 'those that lasted too long' }),
    yields: ownerOnly('i32', { ...COUNT, doc: 'times that a task made way' }),
    promotions: ownerOnly('i32', { ...COUNT, doc: 'of names, and of tasks that had begun' }),
    demotions: ownerOnly('i32', { ...COUNT, doc: 'the same' }),
    active: ownerOnly('i32', {
      ...COUNT,
      doc: 'tasks that it has begun, and that wait for something or for their turn',
    }),
    hookFailures: ownerOnly('i32', { ...COUNT, doc: 'times that a hook threw' }),
    unsaid: ownerOnly('i32', { ...COUNT, doc: 'events that were too many to tell the owner of' }),
    cpuSource: ownerOnly('i32', { ...COUNT, doc: 'CPU_SOURCE_ ...' }),
    cpuCostNs: ownerOnly('i32', { ...COUNT, doc: 'what a look at that clock costs' }),
  },
  { alignBytes: 128 },
);

/** All tasks of one name: what their record does not say. Counts wrap at 2^32. */
export const nameWatch = struct('scheduler/name-watch', 1, {
  polls: atomic('i32', { doc: 'polls that workers have told of', writer: 'workers', reader: 'any thread' }),
  violations: atomic('i32', { doc: 'of these, violations', writer: 'workers', reader: 'any thread' }),
});
