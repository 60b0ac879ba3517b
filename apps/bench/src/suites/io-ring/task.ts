// What the process of a case does: see task-process.ts.
import type { COPIES } from './copy-tasks.ts';
import type { PASSES } from './pass-tasks.ts';
import type { READERS } from './random-tasks.ts';
import type { Spent } from '../../companion.ts';

export interface TaskOptions {
  readonly path: string;
  /** Reads that are under way at once, for those at random. */
  readonly depth: number;
  /** O_DIRECT: past the page cache. */
  readonly direct: boolean;
  /** Of the file, for passes. */
  readonly bytes: number;
}

export interface Task {
  /** Does so many operations. How many succeeded, each looked at, unless `settle` does. */
  run(operations: number): Promise<number> | number;
  /** Looks at what the last run left, and tidies up, with the clock stopped. How many operations succeeded. */
  settle?(): number;
  close(): Promise<void> | void;
}

/** @throws NotMeasurableError where this machine cannot */
export type OpenTask = (options: TaskOptions) => Promise<Task> | Task;

export type How = keyof typeof READERS | keyof typeof PASSES | keyof typeof COPIES;

export type TaskRequest =
  | ({ readonly type: 'open'; readonly how: How } & TaskOptions)
  | { readonly type: 'run'; readonly operations: number };

export interface TaskAnswer extends Spent {
  readonly successful: number;
}
