import type * as work from './work.ts';

export type TaskName = keyof typeof work;

export interface PortMessage {
  readonly task: TaskName;
  /** Of the task, or with `many` an array of one argument for each of so many tasks. */
  readonly argument: unknown;
  readonly many: boolean;
}
