// What the fuzz pass must know of the addon of @corelane/platform, and the faults that it must find.
import { once } from 'node:events';
import { createRequire } from 'node:module';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';

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
export const answersNothing = new Set(['threadCpuTimeInto']);
/** Leave their thread slow, and those that it starts: tried last, and on one thread. */
export const last = /^set/;

/** Something to park: a thread that runs and runs. */
export async function prepare({ addon, file }) {
  const target = new Worker(fileURLToPath(import.meta.url), { workerData: { spinWith: file } });
  const [[slot, generation]] = await once(target, 'message');
  return {
    data: { plausible: [slot, generation, process.pid, addon.threadId?.() ?? 0] },
    stop: () => target.terminate(),
  };
}

export function thread() {
  return { harmful: (name, args) => HARMFUL[name]?.(args) };
}

if (!isMainThread && workerData?.spinWith !== undefined) {
  const addon = createRequire(import.meta.url)(workerData.spinWith);
  const generation = new Uint32Array(1);
  const slot = addon.parkRegister?.(generation) ?? 0;
  parentPort.postMessage([slot, generation[0]]);
  for (;;);
}

/** What in which file of native/ becomes what, which function shows it, and how it is reported. */
export const FAULTS = [
  {
    what: 'writing behind a view that is too short',
    by: 'parkState',
    file: 'interrupt.c',
    from: 'range.length >= VIEW_LENGTH * sizeof(double)',
    to: 'range.length >= (VIEW_LENGTH - 1) * sizeof(double)',
    report: /was written, outside of the view|AddressSanitizer: heap-buffer-overflow/,
  },
  {
    what: 'touching a byte behind a range',
    by: 'memoryTouch',
    file: 'memory.c',
    from: 'at < range.length; at += page',
    to: 'at < range.length + (range.length > 0); at += page',
    report: /AddressSanitizer: heap-buffer-overflow/,
  },
  {
    what: 'reading behind a table',
    by: 'parkState',
    file: 'parking.c',
    from: 'index >= SLOTS',
    to: 'index > 4 * SLOTS',
    report: /runtime error: index \d+ out of bounds/,
  },
  {
    what: 'converting a number that is out of range',
    by: 'ownThread',
    file: 'call.c',
    from: '!(value >= -2147483648.0 && value <= 2147483647.0) || value',
    to: 'value',
    report: /runtime error: .* is outside the range of representable values/,
  },
  {
    what: 'an answer that is no number',
    by: 'threadId',
    file: 'threads.c',
    from: 'return corelane_answer(env, syscall(SYS_gettid));',
    to: '(void)env; return NULL;',
    report: /threadId\(.*\) answered undefined/,
  },
];
