// Runs a text as CommonJS, with a runtime that counts: what is put into a file is tried as it runs.

export interface Exports {
  // oxlint-disable-next-line typescript/no-explicit-any -- of whatever is evaluated
  readonly [name: string]: any;
}

interface Runtime {
  handler: ((nowMs: number) => void) | undefined;
  looks: number;
  look(): number;
}

const RUNTIME = Symbol.for('@corelane/scheduler/checkpoints');
const global = globalThis as { [RUNTIME]?: Runtime };

/** @returns what it exports */
export function evaluate(code: string, require: (name: string) => unknown = noModules): Exports {
  const module = { exports: {} as Exports };
  // oxlint-disable-next-line no-new-func, typescript/no-implied-eval -- the subject
  const run = new Function('module', 'exports', 'require', code) as (...of: unknown[]) => void;
  run(module, module.exports, require);
  return module.exports;
}

function noModules(name: string): never {
  throw new Error(`requires ${name}`);
}

/** Of what is tried: a mutant may run for ever. */
const MOST_LOOKS = 1e5;

/** Looks that come while `run` does. @param every checkpoints between them */
export function countLooks(run: () => void, every = 1): number {
  const before = global[RUNTIME];
  let looks = 0;
  const look = (): number => {
    if (++looks > MOST_LOOKS) throw new Error(`${looks} looks`);
    return every - 1;
  };
  global[RUNTIME] = { handler: undefined, looks: 0, look };
  try {
    run();
  } finally {
    if (before === undefined) delete global[RUNTIME];
    else global[RUNTIME] = before;
  }
  return looks;
}
