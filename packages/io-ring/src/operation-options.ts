/** What ends an operation before its time. */
import { IoArgumentError } from './errors.ts';

export interface OperationOptions {
  /** Aborting cancels the operation. The promise settles when the kernel has let go of the buffer: rejected with `signal.reason`, or fulfilled where it was too late. */
  readonly signal?: AbortSignal | undefined;
  /** Cancels the operation after so long; rejects with OperationTimeoutError. */
  readonly timeoutMs?: number | undefined;
}

/**
 * What is no object would be ignored: a port, a position or a mode in the place of options.
 * @param example what belongs there
 * @throws IoArgumentError
 */
export function checkObject(options: unknown, example: string): void {
  if (typeof options !== 'object' || options === null)
    throw new IoArgumentError('options', options, `an object: ${example}`);
}

/** @throws IoArgumentError */
export function checkTimeout(timeoutMs: unknown): void {
  if (timeoutMs === undefined) return;
  if (typeof timeoutMs !== 'number' || !(timeoutMs >= 0 && timeoutMs < 2 ** 31))
    throw new IoArgumentError('timeoutMs', timeoutMs, 'milliseconds from 0 to 2147483647');
}

/** An AbortSignal, of any realm, or what behaves like one: it will be listened to when the kernel has the memory already. @throws IoArgumentError */
export function checkSignal(signal: unknown): void {
  if (signal === undefined) return;
  const { aborted, addEventListener, removeEventListener } = (signal ?? {}) as Partial<AbortSignal>;
  if (
    typeof aborted !== 'boolean' ||
    typeof addEventListener !== 'function' ||
    typeof removeEventListener !== 'function'
  )
    throw new IoArgumentError('signal', signal, 'an AbortSignal');
}
