/** Checks of what callers hand in. They throw before anything is done. */
import { PlatformOptionError } from './errors.ts';
import { shown } from './shown.ts';

/** No set of CPUs or nodes is listed at greater length, whatever its iterator says. */
const MAX_LISTED = 1_048_576;

/** @throws PlatformOptionError for anything but an object with these names */
export function checkOptions(call: string, options: object, names: readonly string[]): void {
  if (typeof options !== 'object' || options === null)
    throw new PlatformOptionError('options', `of ${call} must be an object, found ${shown(options)}`);
  for (const name of Object.keys(options))
    if (!names.includes(name))
      throw new PlatformOptionError(
        name,
        `${call} has no such option${names.length === 0 ? '' : `, only ${names.join(', ')}`}`,
      );
}

/** @throws PlatformOptionError for anything but `true`, `false` and `undefined` */
export function checkFlag(name: string, value: boolean | undefined, otherwise: boolean): boolean {
  if (value === undefined) return otherwise;
  if (typeof value !== 'boolean')
    throw new PlatformOptionError(name, `must be true or false, found ${shown(value)}`);
  return value;
}

/**
 * What an iterable holds, read once. The elements are the caller's to check.
 * @throws PlatformOptionError for what is none, or does not end
 */
export function listed(name: string, values: Iterable<number>): number[] {
  if (typeof values !== 'object' || values === null || typeof values[Symbol.iterator] !== 'function')
    throw new PlatformOptionError(name, `must be a list or a set of numbers, found ${shown(values)}`);
  // Iterating over what is detached throws.
  if (ArrayBuffer.isView(values) && values.byteLength === 0) return [];
  const found: number[] = [];
  for (const value of values) {
    if (found.length === MAX_LISTED)
      throw new PlatformOptionError(name, `has more than ${MAX_LISTED} elements`);
    found.push(value);
  }
  return found;
}
