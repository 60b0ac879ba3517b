/** The name of a thread, as `ps -L`, `top -H`, `perf` and debuggers show it. */
import os from 'node:os';
import type { Answer } from '../answer.ts';
import { differs, unsupported, verified } from '../answer.ts';
import { PlatformOptionError } from '../errors.ts';
import { shown } from '../shown.ts';
import type { ThreadHost } from './thread-host.ts';
import { thisThreadHost } from './thread-host.ts';
import { checkThread, threadDirectory, threadRefused, threadText } from './thread-id.ts';

/** The kernel keeps 15 bytes and a zero, and would cut what is longer without a word. */
export const MAX_THREAD_NAME_BYTES = 15;

const ENOENT = -os.constants.errno.ENOENT;

/** Without `tid`, of the calling thread. Needs no addon, only /proc. */
export function threadName(tid?: number, host: ThreadHost = thisThreadHost()): Answer<string> {
  const problem = checkThread(host, `reading the name of ${threadText(tid)}`, tid);
  if (problem !== undefined) return problem;
  const path = `${threadDirectory(tid)}/comm`;
  const name = readThreadName(host, path);
  return name === undefined ? unsupported(`${path} cannot be read`) : verified(name);
}

/** `undefined` where it cannot be read. */
export function readThreadName(host: ThreadHost, path: string): string | undefined {
  const text = host.fs.readFile(path);
  return text?.endsWith('\n') === true ? text.slice(0, -1) : text;
}

/**
 * Names a thread. The name of the main thread is the name of the process for `ps` and `killall`.
 * @param name 1 to MAX_THREAD_NAME_BYTES bytes of UTF-8, without control characters
 * @throws PlatformOptionError
 */
export function setThreadName(
  name: string,
  tid?: number,
  host: ThreadHost = thisThreadHost(),
): Answer<string> {
  checkName(name);
  const call = `naming ${threadText(tid)} ${JSON.stringify(name)}`;
  const problem = checkThread(host, call, tid);
  if (problem !== undefined) return problem;
  const path = `${threadDirectory(tid)}/comm`;
  const result = host.writeFile(path, name);
  // The thread ended meanwhile, or there is no /proc.
  if (result === ENOENT)
    return checkThread(host, call, tid) ?? unsupported(`${call} is done by ${path}, which is not there`);
  if (result < 0) return threadRefused(call, result, tid, `${path} cannot be written`);
  const found = readThreadName(host, path);
  if (found === name) return verified(found);
  return differs(`${call} succeeded, but ${path} says ${JSON.stringify(found)}`);
}

function checkName(name: string): void {
  if (typeof name !== 'string') throw new PlatformOptionError('name', `${shown(name)} is no string`);
  const bytes = Buffer.byteLength(name);
  if (bytes < 1 || bytes > MAX_THREAD_NAME_BYTES)
    throw new PlatformOptionError(
      'name',
      `${JSON.stringify(name)} has ${bytes} bytes, expected 1 to ${MAX_THREAD_NAME_BYTES}`,
    );
  // Tools print names as they are. Half a surrogate pair would come back as something else.
  if (/\p{Cc}/u.test(name) || Buffer.from(name).toString() !== name)
    throw new PlatformOptionError(
      'name',
      `${JSON.stringify(name)} has control characters, or is no well-formed text`,
    );
}
