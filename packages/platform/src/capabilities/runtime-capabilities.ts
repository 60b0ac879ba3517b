/** What this Node can do, tried. */
import type { Verdict } from './capability.ts';
import { available, unavailable } from './capability.ts';

const NODE = `Node ${process.version}`;

export function sharedWasmMemory(): Verdict {
  const call = 'new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true })';
  try {
    const buffer: unknown = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }).buffer;
    return buffer instanceof SharedArrayBuffer
      ? available(`${call} gave a SharedArrayBuffer of ${buffer.byteLength} bytes (${NODE})`)
      : unavailable(`${call} gave no SharedArrayBuffer (${NODE})`);
  } catch (error) {
    return unavailable(`${call} threw ${String(error)} (${NODE})`);
  }
}

export function atomicsWaitAsync(): Verdict {
  if (typeof Atomics.waitAsync !== 'function') return absent('Atomics.waitAsync');
  // A value that differs answers at once: no waiter is left behind.
  const answer = Atomics.waitAsync(new Int32Array(new SharedArrayBuffer(4)), 0, 1, 0);
  const value = answer.async ? 'a promise' : answer.value;
  return value === 'not-equal'
    ? available(`Atomics.waitAsync on another value answered "not-equal" (${NODE})`)
    : unavailable(`Atomics.waitAsync on another value answered ${value}, needs "not-equal" (${NODE})`);
}

export function atomicsPause(): Verdict {
  const { pause } = Atomics as { pause?: () => void };
  if (typeof pause !== 'function') return absent('Atomics.pause');
  pause();
  return available(`Atomics.pause() returned (${NODE})`);
}

export function threadCpuUsage(): Verdict {
  // Added in 23.9.0; not a number to compare with, since it may be backported.
  const { threadCpuUsage: read } = process as { threadCpuUsage?: () => { user: number; system: number } };
  if (typeof read !== 'function') return absent('process.threadCpuUsage', ', came with 23.9');
  try {
    const { user, system } = read.call(process);
    return available(`process.threadCpuUsage() answered ${user} µs user, ${system} µs system (${NODE})`);
  } catch (error) {
    return unavailable(`process.threadCpuUsage() threw ${String(error)} (${NODE})`);
  }
}

function absent(name: string, remark = ''): Verdict {
  return unavailable(`${name} is no function in ${NODE}${remark}`);
}
