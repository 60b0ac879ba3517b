/** Parking in the shape that a pool of workers takes: a port that is satisfied without knowing who declares it. */
import { PlatformError } from '../errors.ts';
import { parkAsync, resume } from './interrupt.ts';
import type { ParkTicket } from './park-ticket.ts';
import { Parkable } from './parkable.ts';

/** A worker could not be registered, or did not stand still. Code `ERR_PARK`; `errno` as of `Refused`, `null` where parking is unsupported. */
export class ParkError extends PlatformError {
  override readonly name = 'ParkError';
  readonly errno: string | null;

  constructor(reason: string, errno: string | null) {
    super('ERR_PARK', reason);
    this.errno = errno;
  }
}

/** A module that has this as its default export is what option `interrupt` of @corelane/scheduler takes. */
export const interrupt = {
  /** Of a worker: it can be parked from here on, for as long as it lasts. @throws ParkError */
  register(): ParkTicket {
    const answer = Parkable.register();
    if (answer.status === 'verified') return answer.value.ticket;
    throw new ParkError(answer.reason, answer.status === 'refused' ? answer.errno : null);
  },

  /**
   * Of another thread: settles when the worker stands still, which it does for `maxMs` at most. Rejects with ParkError, ParkTicketError, PlatformOptionError.
   * @param ticket what `register` returned
   */
  async park(
    ticket: unknown,
    { maxMs }: { readonly maxMs: number },
  ): Promise<{ resume(): number | undefined }> {
    const answer = await parkAsync(ticket as ParkTicket, { timeoutMs: maxMs });
    if (answer.status !== 'verified')
      throw new ParkError(answer.reason, answer.status === 'refused' ? answer.errno : null);
    const claim = answer.value;
    return {
      /** It goes on. @returns how long it stood, in milliseconds; undefined where that is not known */
      resume(): number | undefined {
        const ended = resume(claim);
        if (ended.status !== 'verified' || ended.value.parkedNs === null) return undefined;
        return ended.value.parkedNs / 1e6;
      },
    };
  },
} as const;
