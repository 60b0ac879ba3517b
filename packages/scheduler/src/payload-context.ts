// What a thread must know to write and read payloads, beside the shared memory: options of tasks, codecs, shapes, memories.
import type { Arena, NameTable } from '@corelane/shared-memory';
import type { Codec } from './codec.ts';
import type { ErrorClass } from './error-record.ts';
import { Shapes } from './payload-record.ts';
import { SharedMemories } from './shared-memories.ts';
import type { TaskOptions } from './tasks.ts';
import type { Letter, ValueLink } from './value-link.ts';

const NO_ERRORS: readonly ErrorClass[] = [];

export class PayloadContext {
  readonly shapes: Shapes;
  readonly memories: SharedMemories;
  /** That of the scheduler. */
  codec: Codec | undefined;
  /** Carries what shared memory can not. */
  link: ValueLink | undefined;
  /** Of a worker: takes arguments that were sent to it ahead of their task, whose numbers are negative. */
  ahead: ((ticket: number) => Letter) | undefined;
  /** What is larger than payloads may be goes by the link, too. */
  sendsLarge = false;
  /** By index of the task's name. */
  readonly #options: (TaskOptions | undefined)[] = [];

  constructor(arena: Arena, shapes: NameTable) {
    this.shapes = new Shapes(shapes);
    this.memories = new SharedMemories(arena);
  }

  /** Before the first payload of a task on this thread. */
  learn(task: number, options: TaskOptions | undefined): void {
    this.#options[task] = options;
  }

  codecOf(task: number): Codec | undefined {
    return this.#options[task]?.codec ?? this.codec;
  }

  errorsOf(task: number): readonly ErrorClass[] {
    return this.#options[task]?.errors ?? NO_ERRORS;
  }

  /** Whether the task wants its bytes where they lie. */
  wantsViews(task: number): boolean {
    return this.#options[task]?.bytes === 'view';
  }
}
