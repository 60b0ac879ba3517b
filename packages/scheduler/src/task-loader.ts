// In a worker: from the index of a task to its function. The first task of a module imports it.
import { TaskNotFoundError } from './errors.ts';
import { exportIn, functionIn } from './file-task.ts';
import { importModule } from './module-import.ts';
import type { SchedulerTable } from './table.ts';
import { taskIndex } from './task-names.ts';
import { taskOptionsOf, tasksOf, type TaskContext } from './tasks.ts';

export type Runnable = (args: unknown, context: TaskContext) => unknown;

export class TaskLoader {
  readonly #table: SchedulerTable;
  readonly #functions: (Runnable | undefined)[] = [];

  constructor(table: SchedulerTable) {
    this.#table = table;
  }

  /** The function, where its module has been imported. */
  known(index: number): Runnable | undefined {
    return this.#functions[index];
  }

  /** Imports the module of a task. @throws TaskNotFoundError */
  async load(index: number): Promise<Runnable> {
    const full = this.#table.names.names()[index];
    if (full === undefined)
      throw new TaskNotFoundError(`task number ${index} has no name, expected one of defineTasks`);
    const hash = full.lastIndexOf('#');
    const module = full.slice(0, hash);
    const exported = exportIn(full.slice(hash + 1));
    if (exported !== undefined) return this.#loadFile(index, module, exported);
    const found = await this.import(module);
    const run = this.#functions[index] ?? (await this.#resolve(module, index, full.slice(hash + 1)));
    if (run === undefined)
      throw new TaskNotFoundError(
        `${module} exports tasks ${found.join(', ') || '(none)'}, expected ${full.slice(hash + 1)} among them: it must export what defineTasks returned`,
      );
    return run;
  }

  async #loadFile(index: number, module: string, name: string): Promise<Runnable> {
    const exports = await importTasks(module);
    const run = await functionIn(exports, name);
    if (run === undefined)
      throw new TaskNotFoundError(
        `${module} exports ${Object.keys(exports).join(', ') || 'nothing'}, expected a function as ${name}`,
      );
    this.#functions[index] = run;
    return run;
  }

  /** A module may know tasks by name that it does not list: it exports `resolveTask`. */
  async #resolve(module: string, index: number, name: string): Promise<Runnable | undefined> {
    const { resolveTask } = (await importModule(module)) as {
      resolveTask?: (name: string) => Promise<Runnable>;
    };
    if (typeof resolveTask !== 'function') return undefined;
    const run = await resolveTask(name);
    this.#functions[index] = run;
    return run;
  }

  /** Imports a module for its tasks. @returns their names. @throws TaskNotFoundError, ArgumentRangeError, TooManyTasksError */
  async import(module: string): Promise<string[]> {
    const exports = await importTasks(module);
    const names: string[] = [];
    for (const [full, [task, run]] of tasksOf(exports)) {
      names.push(task.name);
      const index = taskIndex(this.#table.names, full);
      this.#functions[index] = run;
      this.#table.payloads.learn(index, taskOptionsOf(task));
    }
    return names;
  }
}

async function importTasks(module: string): Promise<object> {
  try {
    return await importModule(module);
  } catch (cause) {
    throw new TaskNotFoundError(
      `${module} cannot be imported: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  }
}
