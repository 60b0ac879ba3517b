// An endpoint in the model memory: where it lies, how it is set up, how it is read.
import { killsMutants, peek, poke, type Mutant, type Scenario } from '@corelane/interleave';
import { expect } from 'vitest';
import { cell, MONITORED, policy as layout } from '../src/layout.ts';
import { policyOf, type EndpointOptions } from '../src/policy.ts';
import { decodeWord, type WordSnapshot } from '../src/word.ts';

export type Kernel = typeof import('../kernel/index.ts');

export const CLOCK = 8;
/** The number of the caller's thread, where it does not matter whose. */
export const ME = 1;
export const POLICY = 64;
/** Permits of up to eight calls. */
export const PERMITS = 192;
export const CELL = 256;
export const BYTES: number = CELL + cell.bytes;

export const NAMES: Readonly<Record<number, string>> = Object.fromEntries(
  [...cell.fields].flatMap((field) =>
    field.sizeBytes > 8
      ? [0, 1, 2].map((i) => [CELL + field.offsetBytes + 4 * i, `${field.name}[${i}]`])
      : [[CELL + field.offsetBytes, field.name]],
  ),
);

export interface Start extends EndpointOptions {
  readonly low?: number;
  readonly high?: number;
  readonly ledger?: readonly [low: number, timeMs: number];
  readonly refill?: readonly [fraction: number, timeMs: number];
  readonly ring?: readonly number[];
  readonly ticket?: number;
  readonly buckets?: readonly number[];
  readonly permits?: readonly number[];
}

export function writePolicy(at: number, options: EndpointOptions): void {
  const values = policyOf(options);
  for (const field of layout.fields)
    poke(
      at + field.offsetBytes,
      field.name === 'permitTable' ? PERMITS : values[field.name as keyof typeof values],
    );
}

function put(offset: number, ...values: number[]): void {
  for (const [i, value] of values.entries()) poke(CELL + offset + 4 * i, value);
}

/** Sets an endpoint up as if it had been defined. */
export function start({
  low,
  high,
  ledger,
  refill,
  ring,
  ticket,
  buckets,
  permits,
  ...options
}: Start = {}): void {
  writePolicy(POLICY, options);
  const { bucketMs, permits: limit } = policyOf(options);
  const monitored = bucketMs !== 0 || limit !== 0 ? MONITORED << 8 : 0;
  put(cell.offset.word, low ?? ((options.burst ?? 100) << 24) | monitored, high ?? 0);
  put(cell.offset.ledger, ...(ledger ?? [0, 0]));
  put(cell.offset.refill, ...(refill ?? [0, 0]));
  put(cell.offset.proposed, POLICY);
  put(cell.offset.policy, POLICY);
  put(cell.offset.failureTicket, ticket ?? 0);
  put(cell.offset.failures, ...(ring ?? []));
  put(cell.offset.buckets, ...(buckets ?? []));
  for (const [i, value] of (permits ?? []).entries()) poke(PERMITS + 4 * i, value);
}

export function word(): WordSnapshot {
  return decodeWord(peek(CELL + cell.offset.word), peek(CELL + cell.offset.word + 4));
}

export const trips = (): number => peek(CELL + cell.offset.trips);
export const reopens = (): number => peek(CELL + cell.offset.reopens);

export function scenario(
  name: string,
  options: Start,
  threads: Scenario['threads'],
  check: (results: readonly any[]) => string | undefined,
): Scenario {
  return { name, bytes: BYTES, names: NAMES, setup: () => start(options), threads, check, maxSteps: 200 };
}

/** A condition that an end must meet, in words. */
export function expectAll(
  ...conditions: readonly (readonly [holds: boolean, what: string])[]
): string | undefined {
  return conditions.find(([holds]) => !holds)?.[1];
}

export const count = (values: readonly unknown[], value: unknown): number =>
  values.filter((v) => v === value).length;

/** Every interleaving of the scenarios is searched to its end on the endpoint's kernel, and every mutant is caught by one of them. */
export function expectCaught(
  scenarios: readonly ((kernel: Kernel) => Scenario)[],
  mutants: readonly Mutant[],
): void {
  const { baseline, kills } = killsMutants<Kernel>({
    kernel: new URL('../kernel/index.ts', import.meta.url),
    mutants,
    scenarios,
  });
  expect(baseline.every(({ complete, accesses }) => complete && accesses > 0)).toBe(true);
  expect(kills).toHaveLength(mutants.length);
  console.log(
    scenarios.map((make, i) => `${baseline[i]?.states} states: ${make({} as Kernel).name}`).join('\n'),
  );
}
