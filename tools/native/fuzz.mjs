// Calls every function of an addon with arguments that no caller should pass, and asserts that nothing but numbers and typed errors
// comes back, and that nothing is written but where a view allows it. Meant for a build with sanitizers, which see the rest.
//   node tools/native/fuzz.mjs ADDON --declared FOLDER [--calls 20000] [--seed 1] [--only FUNCTION] [--log FILE]
// `declared`: the TypeScript of the addon, native-*.ts, says what each function takes; `calls`: of each, on each of two threads.
// Argument lists that were answered with a number are kept and changed one argument at a time, so that calls get past the first checks.
import { once } from 'node:events';
import { openSync, readFileSync, readdirSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { hostileValues } from './hostile-values.mjs';

/** Calls that do what they should, and would harm the machine or end this process. Everything else is called. */
const HARMFUL = {
  // Others than these poison or guard pages, or take them away from children.
  memoryAdvise: ([, , , advice]) => typeof advice === 'number' && advice > 4 && !HARMLESS_ADVICE.has(advice),
  // Real time: this thread never sleeps, and the machine would have a core less.
  setScheduler: ([, policy]) => typeof policy === 'number' && [1, 2, 6].includes(policy & ~0x40000000),
  // Waits as long as it is told.
  parkAwait: ([, , , waitNs]) => typeof waitNs === 'number' && waitNs > 1e6,
};
const HARMLESS_ADVICE = new Set([8, 14, 15, 16, 17, 20, 21, 22, 23, 25, 1023, 4096, 65536]);
/** Answer by writing into a view. */
const ANSWERS_NOTHING = new Set(['threadCpuTimeInto']);
/** Leave their thread slow, and those that it starts: tried last, and on one thread. */
const SETS = /^set/;
const KEPT = 32;
const MAX_ARGUMENTS = 9;
const LOG_BYTES = 2048;

/** Types of the parameters of each function, as `native-*.ts` declares them in an interface. */
function declarations(folder) {
  const declared = {};
  for (const file of readdirSync(folder, { recursive: true })) {
    if (!/(^|\/)native-.*\.ts$/.test(file)) continue;
    for (const [, name, parameters] of readFileSync(join(folder, file), 'utf8').matchAll(
      /^ {2}(\w+)\(([^)]*)\): (?:number|void);/gm,
    ))
      declared[name] = [...parameters.matchAll(/\w+: ([^,]+)/g)].map(([, type]) => type.trim());
  }
  return declared;
}

/** @returns how many calls succeeded, of each function */
function fuzz(addon, wanted, { calls, seed, plausible, log, declared }) {
  const values = hostileValues(seed, plausible);
  const successes = {};
  const functions = Object.entries(addon).filter(
    ([name, native]) => typeof native === 'function' && wanted(name),
  );
  for (const [name, native] of functions) {
    if (!Object.hasOwn(declared, name)) throw new Error(`${name} is not declared in native-*.ts`);
    // What succeeded, and what was answered with an error: each is a place to go on from.
    const [succeeded, failed] = [[], []];
    const fresh = () =>
      values.next() < 0.7
        ? declared[name].map((type) => values.like(type))
        : Array.from({ length: Math.floor(values.next() * MAX_ARGUMENTS) }, () => values.any());
    successes[name] = 0;
    for (let call = 0; call < calls; call++) {
      const kept = succeeded.length > 0 && values.next() < 0.6 ? succeeded : failed;
      const base = kept.length > 0 && values.next() < 0.7 ? values.pick(kept) : undefined;
      const list = base ? [...base] : fresh();
      if (base && list.length > 0) list[Math.floor(values.next() * list.length)] = values.any();
      if (base && values.next() < 0.05) list.pop();
      const args = list.map(({ value }) => value);
      if (HARMFUL[name]?.(args)) continue;
      const shown = () => `${name}(${list.map(({ description }) => description).join(', ')})`;
      if (log !== undefined) writeSync(log, `${shown()}\n`.padEnd(LOG_BYTES).slice(0, LOG_BYTES), 0);
      let result;
      try {
        result = native(...args);
      } catch (error) {
        if (error instanceof Error && error.code === 'ERR_NATIVE_ARGUMENT') continue;
        throw new Error(`${shown()} threw something else`, { cause: error });
      }
      const fine = ANSWERS_NOTHING.has(name) ? result === undefined : Number.isSafeInteger(result);
      if (!fine) throw new Error(`${shown()} answered ${String(result)}`);
      for (const { check } of list) {
        const problem = check();
        if (problem !== undefined) throw new Error(`${shown()}: ${problem}`);
      }
      if (!(result < 0)) successes[name]++;
      const keep = result < 0 ? failed : succeeded;
      if (keep.length < KEPT) keep.push(list);
      else keep[Math.floor(values.next() * KEPT)] = list;
    }
  }
  return successes;
}

async function main() {
  const { values, positionals } = parseArgs({
    options: {
      calls: { type: 'string', default: '20000' },
      seed: { type: 'string', default: '1' },
      log: { type: 'string' },
      only: { type: 'string' },
      declared: { type: 'string' },
    },
    allowPositionals: true,
  });
  const file = resolve(positionals[0]);
  const addon = createRequire(import.meta.url)(file);
  const log = values.log === undefined ? undefined : openSync(values.log, 'w');
  const [calls, seed] = [Number(values.calls), Number(values.seed)];
  const declared = declarations(values.declared);
  const { only } = values;
  const start = (data) => new Worker(fileURLToPath(import.meta.url), { workerData: { file, ...data } });

  // Something to park.
  const target = start({ spin: true });
  const [[slot, generation]] = await once(target, 'message');
  const plausible = [slot, generation, process.pid, addon.threadId?.() ?? 0];
  const worker = start({ calls, seed: seed + 1, plausible, log, declared, only });
  const [there] = await once(worker, 'message');
  const here = fuzz(addon, (name) => !SETS.test(name) && (only ?? name) === name, {
    calls,
    seed,
    plausible,
    log,
    declared,
  });
  await Promise.all([target.terminate(), worker.terminate()]);
  Object.assign(
    here,
    fuzz(addon, (name) => SETS.test(name) && (only ?? name) === name, {
      calls,
      seed,
      plausible,
      log,
      declared,
    }),
  );
  for (const [name, count] of Object.entries(here))
    console.log(`${name}: ${count} of ${calls} succeeded, in a worker ${there[name] ?? 'not tried'}`);
}

if (isMainThread) await main();
else {
  const addon = createRequire(import.meta.url)(workerData.file);
  if (workerData.spin) {
    const generation = new Uint32Array(1);
    const slot = addon.parkRegister?.(generation) ?? 0;
    parentPort.postMessage([slot, generation[0]]);
    for (;;);
  }
  parentPort.postMessage(
    fuzz(addon, (name) => !SETS.test(name) && (workerData.only ?? name) === name, workerData),
  );
}
