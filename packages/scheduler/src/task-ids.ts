// The tasks that a client has submitted, by the number that their name has on all threads.
import { ArgumentRangeError } from '@corelane/shared-memory';
import { FileTasks, type FileFunction } from './file-task.ts';
import type { SchedulerTable } from './table.ts';
import { taskIndex } from './task-names.ts';
import { taskOptionsOf, type AnyTask } from './tasks.ts';

/** Nobody submits it: undefined could be submitted by somebody who is mistaken. */
const NONE: AnyTask = Object.freeze({ module: '', name: '' });

export class TaskIds {
  readonly #table: SchedulerTable;
  readonly #ids = new Map<AnyTask, number>();
  readonly #names: string[] = [];
  readonly #files = new FileTasks();
  /** The last one beside the map, for loops that submit the same. */
  #lastTask: AnyTask = NONE;
  #lastId = 0;

  constructor(table: SchedulerTable) {
    this.#table = table;
  }

  /** @throws ArgumentRangeError where it is no task, TooManyTasksError */
  idOf(task: AnyTask | FileFunction): number {
    if (task === this.#lastTask) return this.#lastId;
    const known = this.#ids.get(task as AnyTask);
    // An object that names a file's function may be another one each time: it is not kept.
    if (known === undefined && (task as FileFunction | undefined)?.filename !== undefined)
      return this.idOf(this.#files.of(task as FileFunction));
    const id = known ?? this.#intern(task as AnyTask);
    this.#lastTask = task as AnyTask;
    this.#lastId = id;
    return id;
  }

  /** Of one that `idOf` has returned. */
  nameOf(id: number): string {
    return this.#names[id] as string;
  }

  #intern(task: AnyTask): number {
    if (typeof task?.module !== 'string' || typeof task.name !== 'string')
      throw new ArgumentRangeError('task', task, 'a task of defineTasks or fileTask, or { filename, name }');
    const id = taskIndex(this.#table.names, `${task.module}#${task.name}`);
    this.#ids.set(task, id);
    this.#names[id] = task.name;
    this.#table.payloads.learn(id, taskOptionsOf(task));
    return id;
  }
}
