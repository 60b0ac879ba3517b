/** Checks of what the package answers. */
import type { Answer, Refused } from '@corelane/platform';
import { Mismatch } from './suite.ts';

/** The value. @throws Mismatch with the reason for any other answer. */
export function expectVerified<T>(call: string, answer: Answer<T>): T {
  if (answer.status === 'verified') return answer.value;
  throw new Mismatch(`${call} is ${answer.status}, expected verified: ${answer.reason}`);
}

/**
 * The reason, which must have all of `said` in it.
 * @param errno `null`: the call went through, and gave something else than was asked
 * @throws Mismatch
 */
export function expectRefused(
  call: string,
  answer: Answer<unknown>,
  errno: Refused['errno'] | readonly Refused['errno'][],
  ...said: readonly string[]
): string {
  if (answer.status !== 'refused')
    throw new Mismatch(`${call} is ${JSON.stringify(answer)}, expected refused with ${String(errno)}`);
  const expected = typeof errno === 'string' || errno === null ? [errno] : errno;
  if (!expected.includes(answer.errno))
    throw new Mismatch(
      `${call} is refused with ${answer.errno}, expected ${String(errno)}: ${answer.reason}`,
    );
  const lacking = said.filter((text) => !answer.reason.includes(text));
  if (lacking.length > 0)
    throw new Mismatch(`the reason of ${call} lacks ${JSON.stringify(lacking)}: ${answer.reason}`);
  return `refused ${answer.errno ?? '(differs)'}: ${answer.reason}`;
}
