// Tasks that are functions which a file exports, and nothing else: as piscina's users name them. Their name in the table of all threads ends like a call, which
// tells a worker to look for the function itself.
import { ArgumentRangeError } from '@corelane/shared-memory';
import { moduleUrl } from './module-url.ts';
import type { Task, TaskContext, TaskResult } from './tasks.ts';

/** What a file exports. */
export interface FileFunction {
  /** A file: URL or an absolute path of a module in ESM, CommonJS, or TypeScript where Node takes that. */
  readonly filename: string | URL;
  /** What it is exported as; `default` by default. */
  readonly name?: string;
}

const CALL = '()';

// oxlint-disable-next-line typescript/no-explicit-any -- any function that takes arguments
type AnyFunction = (args: any, context: TaskContext) => unknown;

/**
 * Names a function that a file exports. The export may be a promise of it. A function with less than two parameters is given the arguments alone, without a context.
 * @example const resize = fileTask<typeof import('./resize.ts').default>(new URL('./resize.ts', import.meta.url));
 * @throws ArgumentRangeError
 */
export function fileTask<F extends AnyFunction = AnyFunction>(
  filename: string | URL,
  name = 'default',
): Task<Parameters<F> extends [] ? undefined : Parameters<F>[0], TaskResult<ReturnType<F>>> {
  if (typeof name !== 'string' || name === '' || name.includes('#'))
    throw new ArgumentRangeError('name', name, 'the name of an export, without #');
  return Object.freeze({ module: moduleUrl(filename), name: name + CALL });
}

/** @returns the name of the export where the name of a task is of a file's function */
export function exportIn(taskName: string): string | undefined {
  return taskName.endsWith(CALL) ? taskName.slice(0, -CALL.length) : undefined;
}

/** Tasks by file and name, so that who names the function anew for each call makes no more of them than there are functions. */
export class FileTasks {
  readonly #byFile = new Map<string, Map<string, Task<never, unknown>>>();

  /** @throws ArgumentRangeError */
  of({ filename, name = 'default' }: FileFunction): Task<never, unknown> {
    const file = String(filename);
    const known = this.#byFile.get(file)?.get(name);
    if (known !== undefined) return known;
    const task = fileTask(filename, name);
    const names = this.#byFile.get(file) ?? new Map<string, Task<never, unknown>>();
    names.set(name, task);
    this.#byFile.set(file, names);
    return task;
  }
}

/** The function that a module exports under a name, for `TaskLoader`; undefined where there is none. */
export async function functionIn(exports: object, name: string): Promise<AnyFunction | undefined> {
  const main: unknown = await (exports as { default?: unknown }).default;
  // Of CommonJS, `default` is `module.exports`: what Node has not found in its source is there, and where it was ESM once, the default export.
  const found: unknown =
    name === 'default' ? main : ((await property(exports, name)) ?? (await property(main, name)));
  const run: unknown = typeof found !== 'function' && name === 'default' ? await property(main, name) : found;
  if (typeof run !== 'function') return undefined;
  const plain = run as AnyFunction;
  return plain.length < 2 ? (args: unknown): unknown => (plain as (args: unknown) => unknown)(args) : plain;
}

function property(value: unknown, name: string): unknown {
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
    ? (value as Record<string, unknown>)[name]
    : undefined;
}
