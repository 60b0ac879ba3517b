/** The worker's side of parking: a worker that registers may be stopped by others in the middle of its JavaScript, for a time. */
import process from 'node:process';
import { isMainThread } from 'node:worker_threads';
import { type Answer, refused, unsupported, verified } from '../answer.ts';
import { loadNative } from '../native.ts';
import type { ParkTicket } from './park-ticket.ts';

/** Workers that can be registered at a time, in the whole process. SLOTS in native/interrupt.c. */
const MAX_PARKABLE = 1024;

const HINTS: Readonly<Record<string, string>> = {
  ENOSYS: 'this runtime does not export v8::Isolate::RequestInterrupt',
  EPERM: 'this is the first thread of the process, and parking it would park whatever could resume it',
  ENOSPC: `${MAX_PARKABLE} workers are registered already`,
  EAGAIN: 'Node-API could not add a handle to the event loop; the worker may be stopping',
};

/**
 * Registration of the calling worker. Ends with the worker or when it is disposed. A worker may register several times (two libraries
 * in it do not know of each other): the ticket is the same, and the last disposal ends it.
 */
export class Parkable implements Disposable {
  readonly ticket: ParkTicket;
  #open = true;

  private constructor(ticket: ParkTicket) {
    this.ticket = ticket;
  }

  /**
   * In a worker: allows whoever has the ticket to park it.
   * `refused` on the main thread (EPERM) and where too many are registered (ENOSPC). `unsupported` without the addon, or where the runtime
   * has no V8 interrupts to offer.
   */
  static register(): Answer<Parkable> {
    const { addon, reason } = loadNative();
    if (addon === null)
      return unsupported(`parking a worker needs the addon: ${reason}; there is no fallback`);
    const call = 'Parkable.register()';
    if (isMainThread)
      return {
        status: 'refused',
        errno: 'EPERM',
        reason: `${call} on the main thread: it is never parked; register in a worker`,
      };
    const generation = new Uint32Array(1);
    const slot = addon.parkRegister(generation);
    if (slot < 0) {
      const answer = refused(call, slot);
      const hint = answer.status === 'refused' ? HINTS[answer.errno ?? ''] : HINTS['ENOSYS'];
      return hint === undefined ? answer : { ...answer, reason: `${answer.reason}: ${hint}` };
    }
    return verified(new Parkable({ pid: process.pid, slot, generation: generation[0]! }));
  }

  /** Ends this registration. After the last one of the worker its tickets are refused with ESRCH. */
  [Symbol.dispose](): void {
    if (!this.#open) return;
    this.#open = false;
    loadNative().addon?.parkClose(this.ticket.slot, this.ticket.generation);
  }
}
