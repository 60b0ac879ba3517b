// Options that mean nothing are refused: a name that is misspelt would be a default.
import { ArgumentRangeError } from './errors.ts';

/** @throws ArgumentRangeError where they are no object, or have another name */
export function checkNames(argument: string, options: object, names: readonly string[]): void {
  if (typeof options !== 'object' || options === null)
    throw new ArgumentRangeError(argument, options, `an object of ${names.join(', ')}`);
  for (const name of Object.keys(options))
    if (!names.includes(name)) throw new ArgumentRangeError(argument, name, `some of ${names.join(', ')}`);
}
