// A name of an option that means nothing is told of: `perWorker` would else be a text without workers. So is what is not of its kind.
import { ArgumentRangeError } from './errors.ts';

/** @throws ArgumentRangeError */
export function checkOptionNames(options: object, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null)
    throw new ArgumentRangeError('options', options, `an object of ${known.join(', ')}`);
  for (const name of Object.keys(options))
    if (!known.includes(name)) throw new ArgumentRangeError('an option', name, `one of ${known.join(', ')}`);
}

/** @throws ArgumentRangeError */
export function checkMethod(name: string, found: unknown, method: string): void {
  if (typeof (found as Record<string, unknown> | null)?.[method] !== 'function')
    throw new ArgumentRangeError(name, found, `an object with ${method}()`);
}

/** @throws ArgumentRangeError */
export function checkSignal(signal: unknown): void {
  if (signal !== undefined && !(signal instanceof AbortSignal))
    throw new ArgumentRangeError('signal', signal, 'an AbortSignal');
}
