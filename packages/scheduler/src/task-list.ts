// The arguments of many tasks in one slot: the worker runs the task for each (list-runner.ts), and the result is the list of their results.

/** As arguments: those of many tasks. */
export class TaskList {
  readonly items: readonly unknown[];

  constructor(items: readonly unknown[]) {
    this.items = items;
  }
}
