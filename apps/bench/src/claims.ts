import { type Summary, pairedRatios, summarise } from './statistics.ts';
import { type Claim, NS_PER_OP } from './suite.ts';

/**
 * `met` and `missed`: the whole 95 % interval is on one side of the bound. `inconclusive`: it straddles the bound, or the
 * figure was not measured.
 */
type ClaimStatus = 'met' | 'missed' | 'inconclusive';

export interface ClaimResult {
  readonly text: string;
  readonly status: ClaimStatus;
  readonly bound: number;
  /** Null where there was nothing to measure it by. */
  readonly value: number | null;
  readonly interval: readonly [low: number, high: number] | null;
}

/** Samples of a case's metric, one a round, or undefined. */
export type Lookup = (caseName: string, metric: string) => readonly number[] | undefined;

export function judgeClaim(claim: Claim, samplesOf: Lookup, seed: number): ClaimResult {
  const metric = claim.metric ?? NS_PER_OP;
  const text = describe(claim, metric);
  const bound = claim.atMost ?? claim.atLeast ?? Number.NaN;
  const of = samplesOf(claim.of, metric) ?? [];
  const against = claim.against === undefined ? undefined : (samplesOf(claim.against, metric) ?? []);
  const values = against ? pairedRatios(of, against) : of;
  if (values.length === 0) return { text, status: 'inconclusive', bound, value: null, interval: null };
  const summary = summarise(values, seed);
  const { median: value, interval } = summary;
  return { text, status: statusOf(claim, summary), bound, value, interval };
}

function statusOf(claim: Claim, { interval: [low, high] }: Summary): ClaimStatus {
  if (claim.atMost !== undefined)
    return high <= claim.atMost ? 'met' : low > claim.atMost ? 'missed' : 'inconclusive';
  return low >= claim.atLeast ? 'met' : high < claim.atLeast ? 'missed' : 'inconclusive';
}

function describe(claim: Claim, metric: string): string {
  const sign = claim.atMost === undefined ? '≥' : '≤';
  const bound = claim.atMost ?? claim.atLeast;
  const what = metric === NS_PER_OP ? '' : ` ${metric}`;
  return claim.against === undefined
    ? `${claim.of}${what || ' ns'} ${sign} ${bound}`
    : `${claim.of}${what} ${sign} ${bound} × ${claim.against}`;
}
