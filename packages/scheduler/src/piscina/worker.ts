// What a worker of a pool has beside the scheduler's own: the functions that it runs are what files export, results may be moved, and it knows
// that it is a worker of a pool.
import { createRequire } from 'node:module';
import { isAbsolute } from 'node:path';
import { pathToFileURL } from 'node:url';
import { workerData } from 'node:worker_threads';
import type { WorkerPlace } from '../boot.ts';
import type { SetupData } from './host.ts';
import { ANY, handlerNamed, type Call, type Handler } from './handlers.ts';
import { outgoing } from './move.ts';
import { AheadInbox } from './port-link.ts';
import { enterThread } from './thread.ts';

type Run = (value: unknown) => unknown;

const requireHere = createRequire(import.meta.url);
/** Functions that `any` has run; so many are kept. */
const KEPT = 1000;
const loaded = new Map<string, Run>();

/** Called by the worker before it takes tasks. Rejects with what the pool's own file throws when it is imported. */
export async function setup(given: unknown, { table }: WorkerPlace): Promise<void> {
  const { port, preload } = given as SetupData;
  enterThread(workerData);
  const inbox = new AheadInbox(port);
  table.payloads.ahead = (ticket) => inbox.take(ticket);
  table.payloads.sendsLarge = true;
  if (preload !== undefined) await functionOf(preload);
}

/** The function for a task of this module. */
export async function resolveTask(encoded: string): Promise<Run> {
  if (encoded === ANY) return runAny;
  return runnerOf(await handlerOf(handlerNamed(encoded)));
}

async function runAny(call: unknown): Promise<unknown> {
  const { filename, name, value } = call as Call;
  const key = `${filename}\0${name}`;
  let run = loaded.get(key);
  if (run === undefined) {
    run = runnerOf(await handlerOf({ filename, name }));
    if (loaded.size >= KEPT) loaded.delete(loaded.keys().next().value as string);
    loaded.set(key, run);
  }
  return run(value);
}

/** Calls a function with its argument alone. */
function runnerOf(handler: Run): Run {
  return (value) => {
    const result = handler(value);
    return isThenable(result) ? result.then(finish) : finish(result);
  };
}

/** What the pool gets for a result. Where the task has printed something, only when that is out: the process may end with the last result. */
function finish(result: unknown): unknown {
  const sent = outgoing(result);
  const { stdout, stderr } = process;
  if (stdout.writableLength === 0 && stderr.writableLength === 0) return sent;
  return Promise.all([stdout, stderr].map((stream) => drained(stream))).then(() => sent);
}

function drained(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    if (stream.writableLength === 0) resolve();
    else stream.write('', () => resolve());
  });
}

async function handlerOf(wanted: Handler): Promise<Run> {
  const found = await functionOf(wanted);
  if (found === undefined) throw new Error(`No handler function exported from ${wanted.filename}`);
  return found;
}

/** The function of that name, or a promise of one: of a module, or of what a CommonJS module exports as a whole. */
async function functionOf({ filename, name }: Handler): Promise<Run | undefined> {
  return (await functionIn(required(filename), name)) ?? functionIn(await imported(filename), name);
}

/** Loaders that people have put in the way of `require` are for modules of tasks, too. Undefined where it can not be required: then `import` says why. */
function required(filename: string): unknown {
  if (/\.m[jt]s$/.test(filename)) return undefined;
  try {
    return requireHere(filename);
  } catch {
    return undefined;
  }
}

function imported(filename: string): Promise<unknown> {
  return import(isAbsolute(filename) ? pathToFileURL(filename).href : filename);
}

async function functionIn(module: unknown, name: string): Promise<Run | undefined> {
  if (!isExports(module)) return undefined;
  for (const exports of [module, module['default']]) {
    const own: unknown = isExports(exports) ? await exports[name] : undefined;
    if (typeof own === 'function') return own as Run;
  }
  const whole = name === 'default' ? await (module as unknown as Promise<unknown>) : undefined;
  return typeof whole === 'function' ? (whole as Run) : undefined;
}

type Exports = Readonly<Record<string, unknown>>;

function isExports(value: unknown): value is Exports {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
  );
}
