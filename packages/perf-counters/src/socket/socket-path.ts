// Where the sockets of a user's processes are, and that the place is safe: a folder that only this user can enter, in the system's
// folder for temporary files, which anyone can write to.
import { lstatSync, mkdirSync, readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { ArgumentRangeError } from '../errors.ts';
import { SnapshotServerError } from './errors.ts';

const IS_WINDOWS = process.platform === 'win32';
const PIPES = '\\\\.\\pipe\\';
const PIPE_PREFIX = 'corelane-';
const SUFFIX = '.sock';
/** `sun_path` with its final 0: 108 bytes on Linux, 104 on the BSDs and macOS. A longer path is cut off by some systems. */
export const PATH_MAX_BYTES = process.platform === 'linux' ? 107 : 103;
/** A socket at which nobody listens is left over when it is older: between `bind` and `listen` of a process are microseconds. */
const STARTING_MS = 2000;

/** The folder of this user's sockets; undefined on Windows, where pipes have no folders. */
export function socketDirectory(): string | undefined {
  return IS_WINDOWS ? undefined : resolve(tmpdir(), `corelane-${process.getuid?.() ?? 0}`);
}

/** Where a process serves by default. */
export function socketPath(pid: number): string {
  const directory = socketDirectory();
  return directory === undefined ? `${PIPES}${PIPE_PREFIX}${pid}` : join(directory, `${pid}${SUFFIX}`);
}

/**
 * A path that is given, as an absolute one: Node takes digits for a port, and the working directory may change.
 * @throws ArgumentRangeError
 */
export function checkedPath(given: string): string {
  if (typeof given !== 'string' || given === '' || given.includes('\0'))
    throw new ArgumentRangeError('path', given, 'a path without zero bytes');
  if (IS_WINDOWS) return given;
  const path = resolve(given);
  const bytes = Buffer.byteLength(path);
  if (bytes > PATH_MAX_BYTES)
    throw new ArgumentRangeError('bytes of the path', bytes, `at most ${PATH_MAX_BYTES}, as sockets have it`);
  return path;
}

/**
 * Makes the default folder where it is missing.
 * @throws SnapshotServerError where it is not this user's alone
 */
export function prepareDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new SnapshotServerError(directory, 'the folder can not be made', { cause: error });
  }
  const problem = directoryProblem(directory);
  if (problem !== undefined) throw new SnapshotServerError(directory, problem);
}

/** What is wrong with a folder of sockets: where others may write, they could put theirs in the place of ours. */
export function directoryProblem(directory: string): string | undefined {
  const found = lstatSync(directory, { throwIfNoEntry: false });
  if (found === undefined) return 'there is no such folder';
  const mode = found.mode & 0o777;
  const uid = process.getuid?.();
  if (found.isDirectory() && found.uid === uid && (mode & 0o077) === 0) return undefined;
  const what = found.isDirectory() ? 'a folder' : 'no folder';
  return `found ${what} of user ${found.uid} with mode ${mode.toString(8)}, expected a folder of user ${uid} with mode 700`;
}

/** Paths of the sockets in the default place, with the pids that their names say. */
export function socketPaths(): { readonly pid: number; readonly path: string }[] {
  const directory = socketDirectory();
  const pattern = directory === undefined ? /^corelane-(\d+)$/ : /^(\d+)\.sock$/;
  return entries(directory ?? PIPES).flatMap((name) => {
    const pid = Number(pattern.exec(name)?.[1]);
    return Number.isSafeInteger(pid)
      ? [{ pid, path: directory === undefined ? `${PIPES}${name}` : join(directory, name) }]
      : [];
  });
}

function entries(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return []; // never made: nobody serves
  }
}

export type PathState =
  | 'listening'
  /** A socket at which nobody listens: of a process that has ended, or one that is between `bind` and `listen`. */
  | 'deserted'
  | 'free'
  /** Another file, or not ours to ask. */
  | 'other';

/** Whether somebody listens at a path. A pid would not say: another container may have the folder too. */
export async function pathState(path: string): Promise<PathState> {
  const code = await new Promise<string | undefined>((done) => {
    const socket = connect({ path });
    socket.once('connect', () => {
      done(undefined);
      socket.destroy();
    });
    socket.once('error', (error: NodeJS.ErrnoException) => done(error.code ?? 'unknown'));
  });
  if (code === undefined) return 'listening';
  if (code === 'ENOENT') return 'free';
  const isSocket = lstatSync(path, { throwIfNoEntry: false })?.isSocket() === true;
  return code === 'ECONNREFUSED' && isSocket ? 'deserted' : 'other';
}

/** Whether a deserted socket was not bound just now: its process may be about to listen. */
export function isOld(path: string): boolean {
  const found = lstatSync(path, { throwIfNoEntry: false });
  return found !== undefined && Date.now() - found.mtimeMs > STARTING_MS;
}

/** Of the file at a path, which no other file has as long as its socket is open; undefined where there is none. */
export function fileIdentity(path: string): string | undefined {
  const found = lstatSync(path, { throwIfNoEntry: false, bigint: true });
  return found && `${found.dev}:${found.ino}`;
}
