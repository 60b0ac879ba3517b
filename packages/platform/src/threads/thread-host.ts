/**
 * The port through which everything about threads reaches the system, so that another one can stand in for it. Operations answer as the
 * addon does: >= 0 is the result, < 0 is -errno.
 */
import { closeSync, openSync, readlinkSync, readSync, writeSync } from 'node:fs';
import os from 'node:os';
import process from 'node:process';
import type { FileSystem } from '../machine/file-system.ts';
import { nodeFileSystem } from '../machine/file-system.ts';
import type { NativeThreads } from './native-threads.ts';
import { loadNative } from '../native.ts';

/** A file of /proc that stays open. In it, a thread that ended stays ended, though its id may be given to another. */
export interface ThreadFile {
  /** From the beginning. Bytes read, or -errno. */
  read(into: Uint8Array): number;
  close(): void;
}

export interface ThreadHost {
  /** As `process.platform`. */
  readonly platform: string;
  readonly native: { readonly addon: NativeThreads | null; readonly reason: string };
  readonly fs: FileSystem;
  /** Where a symbolic link leads; `undefined` where there is none. On the calling thread: /proc/thread-self depends on it. */
  readLink(path: string): string | undefined;
  /** Writes into a file that exists, in one write. */
  writeFile(path: string, text: string): number;
  open(path: string): ThreadFile | undefined;
  /** 20 - nice of a thread, as the system call has it; 0 is the calling thread. */
  priority(tid: number): number;
  setNice(tid: number, nice: number): number;
  /** Of the calling thread, in nanoseconds; `undefined` where this Node cannot tell. */
  cpuTimeNs(): number | undefined;
}

const fs = nodeFileSystem();
const { EACCES } = os.constants.errno;

/** This process. */
export function thisThreadHost(): ThreadHost {
  const { platform } = process;
  return { platform, native: loadNative(), fs, readLink, writeFile, open, priority, setNice, cpuTimeNs };
}

function readLink(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

function writeFile(path: string, text: string): number {
  return answer(() => {
    const descriptor = openSync(path, 'r+');
    try {
      writeSync(descriptor, text);
    } finally {
      closeSync(descriptor);
    }
    return 0;
  });
}

function open(path: string): ThreadFile | undefined {
  const descriptor = answer(() => openSync(path, 'r'));
  if (descriptor < 0) return undefined;
  return {
    read: (into) => answer(() => readSync(descriptor, into, 0, into.length, 0)),
    close: () => closeSync(descriptor),
  };
}

function priority(tid: number): number {
  return answer(() => 20 - os.getPriority(tid));
}

function setNice(tid: number, nice: number): number {
  return answer(() => {
    os.setPriority(tid, nice);
    return 0;
  });
}

function cpuTimeNs(): number | undefined {
  const { threadCpuUsage } = process as { threadCpuUsage?: () => { user: number; system: number } };
  if (typeof threadCpuUsage !== 'function') return undefined;
  const { user, system } = threadCpuUsage.call(process);
  return (user + system) * 1000;
}

function answer(call: () => number): number {
  try {
    return call();
  } catch (error) {
    // The errors of node:os carry their number one level deeper; those of Node's permission model have none.
    const { code, errno, info } = error as NodeJS.ErrnoException & { info?: { errno?: number } };
    const number = errno ?? info?.errno ?? (code === 'ERR_ACCESS_DENIED' ? EACCES : undefined);
    if (number === undefined) throw error;
    return -Math.abs(number);
  }
}
