// The only place with offsets of a thread and its handle.
import { atomic, ownerOnly, struct } from '@corelane/shared-memory';

/** Of the word `task`. */
export const TASK_RUNS = 0;
/** Nobody waits for the task any more. */
export const TASK_CANCELLED = 1;

/** What a thread and whoever has its handle share. */
export const threadControl = struct('scheduler/thread-control', 1, {
  task: atomic('i32', { doc: 'TASK_ ...', writer: 'the handle, once', reader: 'the thread' }),
  token: atomic('i32', {
    doc: 'TOKEN_ ... of token.ts',
    writer: 'the handle gives, the thread takes',
    reader: 'both',
  }),
  givenNs: ownerOnly('f64', {
    doc: 'when the token was given, by the clock of the machine; published by `token`',
    writer: 'the handle',
    reader: 'the thread',
  }),
  handOffs: ownerOnly('f64', {
    doc: 'how often the thread was woken',
    writer: 'the thread',
    reader: 'the handle',
  }),
  sumNs: ownerOnly('f64', {
    doc: 'how long all of these took',
    writer: 'the thread',
    reader: 'the handle',
  }),
  fastestNs: ownerOnly('f64', { doc: 'the shortest', writer: 'the thread', reader: 'the handle' }),
  slowestNs: ownerOnly('f64', { doc: 'the longest', writer: 'the thread', reader: 'the handle' }),
});
