/** What the calls on memory need of the machine: the addon, and files of the kernel. Tests put other ones in. */
import { closeSync, openSync, readSync } from 'node:fs';
import { release } from 'node:os';
import type { FileSystem } from '../machine/file-system.ts';
import { nodeFileSystem } from '../machine/file-system.ts';
import { loadNative } from '../native.ts';
import type { NativeMemory } from './native-memory.ts';

export interface MemoryMachine {
  /** `reason`, where there is none: why, as a clause. */
  readonly native: { readonly addon: NativeMemory | null; readonly reason: string };
  readonly files: FileSystem;
  /** Release of the kernel, as `6.1.0-13-amd64`. */
  readonly release: string;
  /** The lines of a file of /proc, read no further than they are asked for. `undefined`: it cannot be opened. */
  lines(path: string): Iterable<string> | undefined;
}

const CHUNK_BYTES = 65_536;

/** The machine that this runs on. */
export function thisMachine(): MemoryMachine {
  return { native: loadNative(), files: nodeFileSystem(), release: release(), lines: fileLines };
}

function fileLines(path: string): Iterable<string> | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(path, 'r');
  } catch {
    return undefined;
  }
  return readLines(descriptor);
}

/** Closes the file at the end, or when the loop over it is left. A read that fails ends it: what is missing is noticed by who reads. */
function* readLines(descriptor: number): Generator<string> {
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  let rest = '';
  try {
    for (;;) {
      const count = readSync(descriptor, chunk, 0, CHUNK_BYTES, null);
      if (count === 0) break;
      const lines = (rest + chunk.toString('latin1', 0, count)).split('\n');
      rest = lines.pop() ?? '';
      yield* lines;
    }
    if (rest !== '') yield rest;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
  } finally {
    closeSync(descriptor);
  }
}
