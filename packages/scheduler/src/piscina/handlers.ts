// Names of the functions that a pool runs: a file and what it exports. On the way to a worker each is the name of a task of the module `worker.ts`.
import type { Task } from '../tasks.ts';

export interface Handler {
  readonly filename: string;
  readonly name: string;
}

/** A task that is told by its argument which function to run: for names that are too long, or too many. */
export const ANY = 'any';
export interface Call extends Handler {
  readonly value: unknown;
}

const MAX_NAME_LENGTH = 768;

export type HandlerTask = Task<unknown, unknown>;

function nameOf({ filename, name }: Handler): string {
  return encodeURIComponent(JSON.stringify([filename, name]));
}

export function handlerNamed(encoded: string): Handler {
  const [filename, name] = JSON.parse(decodeURIComponent(encoded)) as [string, string];
  return { filename, name };
}

/** The tasks of a pool, one for each function that it was asked for. */
export class HandlerTasks {
  readonly any: HandlerTask;
  readonly #module: string;
  readonly #room: number;
  readonly #byFile = new Map<string, Map<string, HandlerTask>>();
  #count = 0;
  #filename: string | undefined;
  #name: string | undefined;
  #last: HandlerTask | undefined;

  /** @param room tasks at most */
  constructor(module: string, room: number) {
    this.#module = module;
    this.#room = room;
    this.any = this.#task(ANY);
  }

  /** The task that runs a function; `any` where there is no room for another, or its name is too long. */
  of(filename: string, name: string): HandlerTask {
    if (filename === this.#filename && name === this.#name && this.#last !== undefined) return this.#last;
    this.#filename = filename;
    this.#name = name;
    this.#last = this.#find(filename, name);
    return this.#last;
  }

  #find(filename: string, name: string): HandlerTask {
    const known = this.#byFile.get(filename)?.get(name);
    if (known !== undefined) return known;
    const encoded = nameOf({ filename, name });
    if (encoded.length > MAX_NAME_LENGTH || this.#count >= this.#room) return this.any;
    this.#count++;
    const task = this.#task(encoded);
    let names = this.#byFile.get(filename);
    if (names === undefined) this.#byFile.set(filename, (names = new Map<string, HandlerTask>()));
    names.set(name, task);
    return task;
  }

  #task(name: string): HandlerTask {
    return Object.freeze({ module: this.#module, name });
  }
}
