// Options come from configuration files: each is looked at before anything is begun.
import { ArgumentRangeError } from '../errors.ts';

export { ArgumentRangeError };

export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A misspelt threshold would never warn. */
export function onlyKnown(what: string, options: object, known: readonly string[]): void {
  for (const name of Object.keys(options))
    if (!known.includes(name)) throw new ArgumentRangeError(what, name, `one of ${known.join(', ')}`);
}

export function text(argument: string, found: unknown): void {
  if (typeof found !== 'string' || found.length === 0 || found.length > 200)
    throw new ArgumentRangeError(argument, found, 'a string of 1 to 200 characters');
}

export function oneOf(argument: string, found: unknown, expected: readonly string[]): void {
  if (!expected.includes(found as string))
    throw new ArgumentRangeError(argument, found, `one of ${expected.join(', ')}`);
}

export function wholeNumber(argument: string, found: unknown, least: number): void {
  if (!Number.isSafeInteger(found) || (found as number) < least)
    throw new ArgumentRangeError(argument, found, `an integer of at least ${least}`);
}

export function atLeast(argument: string, found: unknown, least: number, most: number): void {
  if (typeof found !== 'number' || !(found >= least && found <= most))
    throw new ArgumentRangeError(argument, found, `a number from ${least} to ${most}`);
}

export function aFunction(argument: string, found: unknown): void {
  if (typeof found !== 'function') throw new ArgumentRangeError(argument, found, 'a function');
}
