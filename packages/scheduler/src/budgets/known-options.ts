// Names of options: one that nobody reads is a mistake of the caller.
import { ArgumentRangeError } from '@corelane/shared-memory';

/** @param path what comes before the names in messages, such as `budgets.tiers.` @throws ArgumentRangeError */
export function checkNames(
  argument: string,
  value: unknown,
  known: readonly string[],
  path = `${argument}.`,
): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new ArgumentRangeError(argument, value, 'an object');
  for (const name of Object.keys(value))
    if (!known.includes(name))
      throw new ArgumentRangeError(
        `${path}${name}`,
        (value as Record<string, unknown>)[name],
        `none: options are ${known.join(', ')}`,
      );
}

/** @throws ArgumentRangeError */
export function checkNumber(argument: string, value: unknown, least: number, most: number): number {
  if (typeof value !== 'number' || !(value >= least && value <= most))
    throw new ArgumentRangeError(argument, value, `a number from ${least} to ${most}`);
  return value;
}

/** @throws ArgumentRangeError */
export function checkInteger(argument: string, value: unknown, least: number, most: number): number {
  if (!Number.isInteger(value) || (value as number) < least || (value as number) > most)
    throw new ArgumentRangeError(argument, value, `an integer from ${least} to ${most}`);
  return value as number;
}
