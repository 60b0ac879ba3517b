// The kinds of request that the load is made of, each with the answers that are right for it. Any other answer fails the run.
import type { BombFormat } from './compressed.ts';

export const KINDS = [
  'webhook',
  'compressed webhook',
  'flood',
  'bad signature',
  'no signature',
  'gzip bomb',
  'zstd bomb',
  'br bomb',
  'deflate bomb',
  'zip bomb',
  'xz bomb',
  'broken stream',
  'misdeclared',
  'malformed',
  'too deep',
  'oversized',
  'unknown source',
  'naughty name',
] as const;

export type Kind = (typeof KINDS)[number];

/** Bombs, by the format that the gateway's guard knows them by. */
export const BOMB_KINDS = {
  gzip: 'gzip bomb',
  zstd: 'zstd bomb',
  br: 'br bomb',
  deflate: 'deflate bomb',
  zip: 'zip bomb',
  xz: 'xz bomb',
} as const satisfies Readonly<Record<BombFormat, Kind>>;

/** An answer as it is counted: its status, and why (header `x-gateway-reason`; empty where it was accepted). */
export type AnswerKey = `${number} ${string}`;

export function answerKey(status: number, reason: string): AnswerKey {
  return `${status} ${reason}`;
}

const ANY_TIME = ['503 overloaded'] as const;

const BOMB = ['413 bomb', ...ANY_TIME];

/** What a request that is let through to the breaker may get. */
const ADMISSIBLE = [
  '202 ',
  '429 throttled',
  '503 open',
  '503 probing',
  '503 upstream failed',
  '503 worker lost',
  ...ANY_TIME,
];

export const EXPECTED: Readonly<Record<Kind, readonly string[]>> = {
  webhook: ADMISSIBLE,
  'compressed webhook': ADMISSIBLE,
  flood: ADMISSIBLE,
  'bad signature': ['401 bad signature', ...ANY_TIME],
  'no signature': ['401 no signature', ...ANY_TIME],
  'gzip bomb': BOMB,
  'zstd bomb': BOMB,
  'br bomb': BOMB,
  'deflate bomb': BOMB,
  'zip bomb': BOMB,
  'xz bomb': BOMB,
  'broken stream': ['400 malformed', ...ANY_TIME],
  misdeclared: ['400 malformed', ...ANY_TIME],
  malformed: ['400 malformed', ...ANY_TIME],
  'too deep': ['400 too deep', ...ANY_TIME],
  oversized: ['413 too large', ...ANY_TIME],
  'unknown source': ['404 unknown source', ...ANY_TIME],
  'naughty name': ['400 bad name', ...ANY_TIME],
};
