// The kinds of request that the load is made of, each with the answers that are right for it. Any other answer fails the run.

export const KINDS = [
  'webhook',
  'compressed webhook',
  'flood',
  'bad signature',
  'no signature',
  'bomb',
  'malformed',
  'too deep',
  'oversized',
  'unknown source',
  'naughty name',
] as const;

export type Kind = (typeof KINDS)[number];

/** An answer as it is counted: its status, and why (header `x-gateway-reason`; empty where it was accepted). */
export type AnswerKey = `${number} ${string}`;

export function answerKey(status: number, reason: string): AnswerKey {
  return `${status} ${reason}`;
}

const ANY_TIME = ['503 overloaded'] as const;

/** What a request that is let through to the breaker may get. */
const ADMISSIBLE = ['202 ', '429 throttled', '503 open', '503 probing', '503 upstream failed', ...ANY_TIME];

export const EXPECTED: Readonly<Record<Kind, readonly string[]>> = {
  webhook: ADMISSIBLE,
  'compressed webhook': ADMISSIBLE,
  flood: ADMISSIBLE,
  'bad signature': ['401 bad signature', ...ANY_TIME],
  'no signature': ['401 no signature', ...ANY_TIME],
  bomb: ['413 bomb', ...ANY_TIME],
  malformed: ['400 malformed', ...ANY_TIME],
  'too deep': ['400 too deep', ...ANY_TIME],
  oversized: ['413 too large', ...ANY_TIME],
  'unknown source': ['404 unknown source', ...ANY_TIME],
  'naughty name': ['400 bad name', ...ANY_TIME],
};
