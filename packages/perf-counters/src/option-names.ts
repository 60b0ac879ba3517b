// A name of an option that means nothing is told of: `perWorker` would else be a text without workers.
import { ArgumentRangeError } from './errors.ts';

/** @throws ArgumentRangeError */
export function checkOptionNames(options: object, known: readonly string[]): void {
  for (const name of Object.keys(options))
    if (!known.includes(name)) throw new ArgumentRangeError('an option', name, `one of ${known.join(', ')}`);
}
