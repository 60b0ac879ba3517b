// Calls every function of an addon with arguments that no caller should pass, and asserts that nothing but numbers and typed errors
// comes back, and that nothing is written but where a view allows it. Meant for a build with sanitizers, which see the rest.
//   node tools/native/fuzz.mjs ADDON --package NAME --declared FOLDER [--calls 20000] [--seed 1] [--only FUNCTION] [--log FILE]
// `declared`: the TypeScript of the addon says what each function takes; `calls`: of each, on each of two threads; what is special about the addon is in
// subjects/NAME.mjs.
// Argument lists that were answered with a number are kept and changed one argument at a time, so that calls get past the first checks.
import { once } from 'node:events';
import { openSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { declarations } from './declarations.mjs';
import { hostileValues } from './hostile-values.mjs';

const KEPT = 32;
const MAX_ARGUMENTS = 9;
const LOG_BYTES = 2048;
/** The event loop has its turn after so many calls: what an addon does there is called, too. */
const CALLS_A_TURN = 64;

/** @returns how many calls succeeded, of each function */
async function fuzz(addon, subject, wanted, { calls, seed, log, declared, data, thread }) {
  const values = hostileValues(seed, data.plausible ?? []);
  const { answersNothing = new Set() } = subject;
  const own = subject.thread({ addon, values, data, thread });
  const successes = {};
  const functions = Object.entries(addon).filter(
    ([name, native]) => typeof native === 'function' && wanted(name),
  );
  for (const [name, native] of functions) {
    if (!Object.hasOwn(declared, name))
      throw new Error(`${name} is not declared in native.ts or native-*.ts`);
    const parameters = declared[name];
    // What succeeded, and what was answered with an error: each is a place to go on from.
    const [succeeded, failed] = [[], []];
    /** Mostly what the subject has for a parameter of that name. */
    const likely = (parameter) => {
      const special = own.likely?.[parameter.name];
      return special !== undefined && values.next() < 0.8 ? special() : values.like(parameter.type);
    };
    const fresh = () =>
      values.next() < 0.7
        ? parameters.map(likely)
        : Array.from({ length: Math.floor(values.next() * MAX_ARGUMENTS) }, () => values.any());
    successes[name] = 0;
    for (let call = 0; call < calls; call++) {
      // eslint-disable-next-line no-await-in-loop -- the event loop's turn
      if (call % CALLS_A_TURN === 0) await new Promise(setImmediate);
      const kept = succeeded.length > 0 && values.next() < 0.6 ? succeeded : failed;
      const base = kept.length > 0 && values.next() < 0.7 ? values.pick(kept) : undefined;
      const list = base ? [...base] : fresh();
      if (base && list.length > 0) list[Math.floor(values.next() * list.length)] = values.any();
      if (base && values.next() < 0.05) list.pop();
      own.before?.(name);
      const args = list.map(({ value }) => value);
      if (own.harmful?.(name, args, parameters)) continue;
      const shown = () => `${name}(${list.map(({ description }) => description).join(', ')})`;
      if (log !== undefined) writeSync(log, `${shown()}\n`.padEnd(LOG_BYTES).slice(0, LOG_BYTES), 0);
      let result;
      try {
        result = native(...args);
      } catch (error) {
        if (error instanceof Error && error.code === 'ERR_NATIVE_ARGUMENT') continue;
        throw new Error(`${shown()} threw something else`, { cause: error });
      }
      const fine = answersNothing.has(name) ? result === undefined : Number.isSafeInteger(result);
      if (!fine) throw new Error(`${shown()} answered ${String(result)}`);
      for (const check of [...list.map((value) => value.check), () => own.after?.(name, args, result)]) {
        const problem = check();
        if (problem !== undefined) throw new Error(`${shown()}: ${problem}`);
      }
      if (!(result < 0)) successes[name]++;
      const keep = result < 0 ? failed : succeeded;
      if (keep.length < KEPT) keep.push(list);
      else keep[Math.floor(values.next() * KEPT)] = list;
    }
  }
  own.stop?.();
  return successes;
}

async function main() {
  const { values, positionals } = parseArgs({
    options: {
      calls: { type: 'string', default: '20000' },
      seed: { type: 'string', default: '1' },
      package: { type: 'string' },
      log: { type: 'string' },
      only: { type: 'string' },
      declared: { type: 'string' },
    },
    allowPositionals: true,
  });
  const file = resolve(positionals[0]);
  const log = values.log === undefined ? undefined : openSync(values.log, 'w');
  const [calls, seed] = [Number(values.calls), Number(values.seed)];
  const declared = declarations(values.declared);
  const { only, package: name } = values;
  const subject = await import(`./subjects/${name}.mjs`);
  const { last = /^$/ } = subject;
  const addon = createRequire(import.meta.url)(file);
  const { data, stop } = await subject.prepare({ addon, file, declared: values.declared });
  const common = { calls, log, declared, data };
  const worker = new Worker(fileURLToPath(import.meta.url), {
    workerData: { ...common, file, name, seed: seed + 1, thread: 1, only },
    trackUnmanagedFds: false, // some are opened by what is called
  });
  const told = once(worker, 'message');
  const options = { ...common, seed, thread: 0 };
  const asked = (function_) => (only ?? function_) === function_;
  const sooner = (function_) => asked(function_) && !last.test(function_);
  const later = (function_) => asked(function_) && last.test(function_);
  const [here, [there]] = await Promise.all([fuzz(addon, subject, sooner, options), told]);
  await worker.terminate();
  if (subject.last !== undefined) Object.assign(here, await fuzz(addon, subject, later, options));
  await stop?.();
  for (const [function_, count] of Object.entries(here))
    console.log(
      `${function_}: ${count} of ${calls} succeeded, in a worker ${there[function_] ?? 'not tried'}`,
    );
}

if (isMainThread) await main();
else {
  const { file, name, only, ...options } = workerData;
  const subject = await import(`./subjects/${name}.mjs`);
  const { last = /^$/ } = subject;
  const addon = createRequire(import.meta.url)(file);
  const wanted = (function_) => !last.test(function_) && (only ?? function_) === function_;
  parentPort.postMessage(await fuzz(addon, subject, wanted, options));
}
