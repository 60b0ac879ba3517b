/** What counting asks of the machine. A port, so that machines with counters, rights and kernels unlike this one's can stand in. */
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync, readSync } from 'node:fs';
import process from 'node:process';
import type { NativePerf } from './native-perf.ts';
import type { NativeThreads } from '../threads/native-threads.ts';
import { loadNative } from '../native.ts';

export type PerfNative = NativePerf & Pick<NativeThreads, 'threadCpuTimeInto'>;

export interface PerfMachine {
  /** `null`: no addon. */
  readonly native: PerfNative | null;
  /** Why there is no addon, as a clause. */
  readonly nativeReason: string;
  readonly platform: string;
  readonly arch: string;
  /** Kernel id of the calling thread. */
  readonly ownTid: number | undefined;
  /** Kernel ids of the threads of this process. `undefined` where they cannot be had. */
  threadIds(): number[] | undefined;
  /** A small file. */
  readText(path: string): string | undefined;
  /** A descriptor, or the kernel's name for what was wrong. */
  openFile(path: string): number | string;
  /** From the beginning of the file; bytes read, negative where that failed. */
  readFile(descriptor: number, into: Uint8Array): number;
  closeFile(descriptor: number): void;
  resourceUsage(): NodeJS.ResourceUsage;
  /** Microseconds of the calling thread. `undefined` before Node 23.9. */
  threadCpuUs(): number | undefined;
}

const TASKS = '/proc/self/task';

/** The calling thread's. Node closes what a worker opened here and did not close. */
export function thisPerfMachine(): PerfMachine {
  const { addon, reason } = loadNative();
  return {
    native: addon,
    nativeReason: reason,
    platform: process.platform,
    arch: process.arch,
    ownTid: addon === null ? tidByProc() : addon.threadId(),
    threadIds: () => attempt(() => readdirSync(TASKS).map(Number)),
    readText: (path) => attempt(() => readFileSync(path, 'latin1').trim()),
    openFile(path): number | string {
      try {
        return openSync(path, 'r');
      } catch (error) {
        return (error as NodeJS.ErrnoException).code ?? String(error);
      }
    },
    readFile(descriptor, into): number {
      try {
        return readSync(descriptor, into, 0, into.length, 0);
      } catch {
        return -1;
      }
    },
    closeFile: closeSync,
    resourceUsage: () => process.resourceUsage(),
    threadCpuUs(): number | undefined {
      // Of another thread's CPU nothing in Node tells; of this one, since 23.9.
      const usage = (process as Partial<Pick<NodeJS.Process, 'threadCpuUsage'>>).threadCpuUsage?.();
      return usage === undefined ? undefined : usage.user + usage.system;
    },
  };
}

/** `4711/task/4712`. */
function tidByProc(): number | undefined {
  const tid = Number(
    attempt(() => readlinkSync('/proc/thread-self'))
      ?.split('/')
      .at(-1),
  );
  return Number.isSafeInteger(tid) && tid > 0 ? tid : undefined;
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
