/**
 * The port through which everything here reads files, so that a captured machine can stand in for this one.
 *
 * Paths are absolute (`/sys/devices/system/cpu/online`), whatever the root. Both operations answer `undefined` for anything that
 * is not there, may not be read, is of another kind, or is larger than MAX_FILE_BYTES: a caller can do nothing else about it.
 */
import { closeSync, constants, fstatSync, openSync, readdirSync, readSync, realpathSync } from 'node:fs';
import { join, resolve, sep } from 'node:path';
import { PlatformOptionError } from '../errors.ts';
import { shown } from '../shown.ts';

export interface FileSystem {
  /** The text of a file. */
  readFile(path: string): string | undefined;
  /** The names in a directory, symbolic links among them, in no particular order. */
  readDir(path: string): string[] | undefined;
}

/** @throws PlatformOptionError for what is neither left out nor such a port */
export function checkFileSystem(fs: FileSystem | undefined): void {
  if (fs === undefined || (typeof fs?.readFile === 'function' && typeof fs.readDir === 'function')) return;
  throw new PlatformOptionError('fs', `must have readFile and readDir, found ${shown(fs)}`);
}

/** /proc/cpuinfo is the largest file read: about 1.6 KB a CPU. */
export const MAX_FILE_BYTES = 16 * 1024 * 1024;
const MAX_LINKS = 40; // as Linux

/**
 * The files of this machine, or of a directory `root` that holds a captured `sys/` and `proc/`. Below such a root, links that lead
 * out of it lead nowhere: mixing two machines would give a third that does not exist. Only regular files are read, and opening
 * never waits (a named pipe in a captured tree would hang otherwise).
 */
export function nodeFileSystem(root = '/'): FileSystem {
  const base = resolve(root);
  let realBase: string | undefined;
  const locate = (path: string): string => {
    const joined = join(base, resolve('/', path));
    if (base === sep) return joined;
    realBase ??= realpathSync(base);
    const real = realpathSync(joined);
    if (real !== realBase && !real.startsWith(realBase + sep))
      throw new Error(`${path} leads out of ${base}`);
    return real;
  };
  return {
    readFile(path: string): string | undefined {
      try {
        return readRegularFile(locate(path));
      } catch {
        return undefined;
      }
    },
    readDir(path: string): string[] | undefined {
      try {
        return readdirSync(locate(path));
      } catch {
        return undefined;
      }
    },
  };
}

/** `readFileSync` trusts the size, which is 0 or 4096 in /proc and /sys, and waits on pipes; hence by hand. */
function readRegularFile(file: string): string | undefined {
  // O_NONBLOCK is undefined on Windows.
  const descriptor = openSync(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    if (!fstatSync(descriptor).isFile()) return undefined;
    const chunks: Buffer[] = [];
    let total = 0;
    for (;;) {
      const chunk = Buffer.allocUnsafe(total === 0 ? 4096 : 65_536);
      const count = readSync(descriptor, chunk, 0, chunk.length, null);
      if (count === 0) return Buffer.concat(chunks, total).toString('utf8');
      total += count;
      if (total > MAX_FILE_BYTES) return undefined;
      chunks.push(chunk.subarray(0, count));
    }
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Files held in memory, for tests and captures. Keys are paths with or without the leading slash. `links` maps a path to the
 * target of a symbolic link there, relative to its directory or absolute.
 */
export function memoryFileSystem(
  files: Readonly<Record<string, string>>,
  links: Readonly<Record<string, string>> = {},
): FileSystem {
  const contents = new Map<string, string>();
  const targets = new Map<string, string>();
  const directories = new Map<string, Set<string>>([['/', new Set()]]);
  const enter = (path: string): void => {
    for (let at = path; at !== '/';) {
      const parent = at.slice(0, at.lastIndexOf('/')) || '/';
      const names = directories.get(parent) ?? new Set();
      directories.set(parent, names);
      names.add(at.slice(at.lastIndexOf('/') + 1));
      at = parent;
    }
  };
  for (const [path, text] of Object.entries(files)) {
    contents.set(normal(path), text);
    enter(normal(path));
  }
  for (const [path, target] of Object.entries(links)) {
    targets.set(normal(path), target);
    enter(normal(path));
  }

  const follow = (path: string): string | undefined => {
    let pending = normal(path).split('/').filter(Boolean);
    let at = '';
    for (let followed = 0; pending.length > 0;) {
      at = `${at}/${pending[0]}`;
      pending = pending.slice(1);
      const target = targets.get(at);
      if (target === undefined) continue;
      if (++followed > MAX_LINKS) return undefined;
      const absolute = normal(target.startsWith('/') ? target : `${at}/../${target}`);
      pending = [...absolute.split('/').filter(Boolean), ...pending];
      at = '';
    }
    return at || '/';
  };
  return {
    readFile(path: string): string | undefined {
      const real = follow(path);
      return real === undefined ? undefined : contents.get(real);
    },
    readDir(path: string): string[] | undefined {
      const real = follow(path);
      const names = real === undefined ? undefined : directories.get(real);
      return names === undefined ? undefined : [...names];
    },
  };
}

/** As posix `normalize`, rooted: `..` never leaves `/`. */
function normal(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}
