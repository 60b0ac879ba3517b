/**
 * Threads by the kernel's ids. An id names a thread of this process and nothing else: the same system calls would reach any process of this
 * user. Ids are reused, though not soon: the kernel counts up to /proc/sys/kernel/pid_max first.
 */
import os from 'node:os';
import type { Answer, Refused, Unsupported } from '../answer.ts';
import { refused, unsupported, verified } from '../answer.ts';
import { PlatformOptionError } from '../errors.ts';
import { shown } from '../shown.ts';
import type { ThreadHost } from './thread-host.ts';
import { thisThreadHost } from './thread-host.ts';

const TASKS = '/proc/self/task';
const MAX_TID = 0x7f_ff_ff_ff;
const ESRCH = -os.constants.errno.ESRCH;

/**
 * The kernel's id of the calling thread, as `ps -L` and `/proc/self/task` have it. A worker tells it to others in a message; it is not
 * `worker_threads.threadId`.
 */
export function threadId(host: ThreadHost = thisThreadHost()): Answer<number> {
  const { addon } = host.native;
  if (addon !== null) return verified(addon.threadId());
  const lacking = notLinux(host);
  if (lacking !== undefined) return lacking;
  const tid = /^[0-9]+\/task\/([0-9]+)$/.exec(host.readLink('/proc/thread-self') ?? '')?.[1];
  return tid === undefined
    ? unsupported(`/proc/thread-self cannot be read, and ${host.native.reason}`)
    : verified(Number(tid));
}

/** Without the addon, what is known of threads is known on Linux alone. */
export function notLinux(host: ThreadHost): Unsupported | undefined {
  if (host.platform === 'linux') return undefined;
  return unsupported(
    `single threads cannot be told apart on ${host.platform} by what Node has, and ${host.native.reason}`,
  );
}

/** The directory of a thread in /proc; without `tid`, of the one that reads. */
export function threadDirectory(tid: number | undefined): string {
  return tid === undefined ? '/proc/thread-self' : `${TASKS}/${tid}`;
}

/** How a thread is called in reasons. */
export function threadText(tid: number | undefined): string {
  return tid === undefined ? 'the calling thread' : `thread ${shown(tid)}`;
}

/**
 * What is wrong with a thread: no thread of this process. `undefined` where nothing is.
 * @throws PlatformOptionError for a `tid` that is no whole number from 1 to 2^31 - 1
 */
export function checkThread(
  host: ThreadHost,
  call: string,
  tid: number | undefined,
): Refused | Unsupported | undefined {
  checkTid(tid);
  if (tid === undefined) return host.native.addon === null ? notLinux(host) : undefined;
  const { addon } = host.native;
  if (addon !== null) return addon.ownThread(tid) < 0 ? noThread(call, tid) : undefined;
  const lacking = notLinux(host);
  if (lacking !== undefined) return lacking;
  if (host.fs.readDir(TASKS) === undefined)
    return unsupported(`${TASKS} cannot be read, and ${host.native.reason}`);
  return host.fs.readDir(`${TASKS}/${tid}`) === undefined ? noThread(call, tid) : undefined;
}

/** @throws PlatformOptionError */
function checkTid(tid: number | undefined): void {
  if (tid === undefined || (Number.isInteger(tid) && tid >= 1 && tid <= MAX_TID)) return;
  throw new PlatformOptionError('tid', `${shown(tid)} is no whole number from 1 to ${MAX_TID}`);
}

export function noThread(call: string, tid: number): Refused | Unsupported {
  return refused(call, ESRCH, `${tid} is no thread of this process (any more)`);
}

/** What to say to a negative answer of the addon: a thread may end between the check and the call. */
export function threadRefused(
  call: string,
  result: number,
  tid: number | undefined,
  hint?: string,
): Refused | Unsupported {
  return result === ESRCH && tid !== undefined ? noThread(call, tid) : refused(call, result, hint);
}
