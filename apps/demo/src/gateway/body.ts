// A request's body, read into a pooled buffer: one copy, no growing array, and never more than the buffer holds.
import type { IncomingMessage } from 'node:http';
import type { BodyPlace } from './unfinished-bodies.ts';

/**
 * `complete`: all of it is in the buffer; `too large`: it does not fit; `gone`: the sender went away before its end; `cut`: it was
 * too slow for those that came after it.
 */
export type ReadOutcome = 'complete' | 'too large' | 'gone' | 'cut';

export interface ReadBody {
  readonly outcome: ReadOutcome;
  /** Bytes in the buffer. */
  readonly length: number;
}

/** Afterwards nothing of the request is read any more, and the buffer is no longer written to. */
export async function readBody(
  request: IncomingMessage,
  into: Uint8Array,
  place: BodyPlace,
): Promise<ReadBody> {
  if (place.isCut) return { outcome: 'cut', length: 0 };
  // Its end was before there was a listener for it.
  if (request.destroyed) return { outcome: 'gone', length: 0 };
  const { promise, resolve } = Promise.withResolvers<ReadBody>();
  let length = 0;
  const end = (outcome: ReadOutcome): void => {
    request.off('data', take).off('end', onEnd).off('close', onClose).off('error', onClose);
    resolve({ outcome, length });
  };
  const take = (chunk: Uint8Array): void => {
    if (length + chunk.length > into.length) {
      end('too large');
      return;
    }
    into.set(chunk, length);
    length += chunk.length;
  };
  const onEnd = (): void => end('complete');
  const onClose = (): void => end('gone');
  place.onCut = (): void => end('cut');
  request.on('data', take).on('end', onEnd).on('close', onClose).on('error', onClose);
  return await promise;
}
