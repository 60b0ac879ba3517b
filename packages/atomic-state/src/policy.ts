// What an endpoint is told when it is defined, checked and turned into the integers that the kernel computes with.
import { AttachError, type Arena } from '@corelane/shared-memory';
import { NO_OPTION, PolicyConflictError, PolicyError } from './errors.ts';
import {
  BASIS_POINTS,
  BUCKETS,
  MAX_CAPACITY,
  MAX_FAILURE_THRESHOLD,
  MICRO_PER_TOKEN,
  policy as layout,
} from './layout.ts';

export interface EndpointOptions {
  /** Failures inside the window that open the breaker: 1 to 96, 5 by default; with a percentage and without this, however many. */
  readonly failureThreshold?: number;
  /** Length of the sliding window in milliseconds: 1 to 86,400,000, 60,000 by default. */
  readonly failureWindowMs?: number;
  /** Opens above this percentage of failed calls in the rolling window: 0 to 99.99, in hundredths. Looked at after a bad result. */
  readonly errorThresholdPercentage?: number;
  /** Opens above this percentage of slow calls in the rolling window: 0 to 99.99, in hundredths. Needs `slowCallDurationMs`. */
  readonly slowCallPercentage?: number;
  /** A call that took longer is slow: 0 to 86,400,000 milliseconds. */
  readonly slowCallDurationMs?: number;
  /** Calls in the rolling window below which no percentage counts: 0 to 100,000, 0 by default, as in opossum. */
  readonly volumeThreshold?: number;
  /** Length of the rolling window in milliseconds, up to the next multiple of ten: 10 to 86,400,000, 10,000 by default. */
  readonly rollingCountTimeout?: number;
  /** Milliseconds that the breaker stays open, and that a probe may stay unanswered: 1 to 86,400,000, 30,000 by default. */
  readonly resetTimeout?: number;
  /** Calls admitted while half open: 1 to 1000, 3 by default. */
  readonly halfOpenProbes?: number;
  /** Share of them that must succeed to close the breaker: above 0, at most 1, 0.8 by default. */
  readonly closeRatio?: number;
  /** Calls in flight at most, on all threads together: 1 to 1000; `Infinity`, the default, does not limit them. */
  readonly capacity?: number;
  /** Tokens that the bucket holds, and starts with: 1 to 255, 100 by default. Needs `refillPerSecond`. */
  readonly burst?: number;
  /** Tokens that come back a second: 0.001 to 255,000, to the nearest 0.001; `Infinity`, the default, does not limit the rate. */
  readonly refillPerSecond?: number;
}

/** A policy in the integers of the layout. */
export type Policy = { readonly [K in keyof typeof layout.offset]: number };

const DAY_MS = 86_400_000;
const OFF = -1;
/** Ten full buckets hold more. */
const MAX_VOLUME = 100_000;
const PER_CENT = BASIS_POINTS / 100;

/** What an option is in a policy, in the unit of the option; undefined where it is off. */
const OPTIONS: { readonly [K in keyof Required<EndpointOptions>]: (policy: Policy) => number | undefined } = {
  failureThreshold: (policy) => policy.failureThreshold || undefined,
  failureWindowMs: (policy) => (policy.failureThreshold === 0 ? undefined : policy.failureWindowMs),
  errorThresholdPercentage: (policy) => percentageOf(policy.errorBasisPoints),
  slowCallPercentage: (policy) => percentageOf(policy.slowBasisPoints),
  slowCallDurationMs: (policy) => (policy.slowBasisPoints === OFF ? undefined : policy.slowCallDurationMs),
  volumeThreshold: (policy) => (policy.bucketMs === 0 ? undefined : policy.volumeThreshold),
  rollingCountTimeout: (policy) => (policy.bucketMs === 0 ? undefined : policy.bucketMs * BUCKETS),
  resetTimeout: (policy) => policy.openDurationMs,
  halfOpenProbes: (policy) => policy.halfOpenProbes,
  closeRatio: (policy) => policy.closeSuccesses / policy.halfOpenProbes,
  capacity: (policy) => policy.permits || Number.POSITIVE_INFINITY,
  burst: (policy) => policy.burst,
  refillPerSecond: (policy) =>
    policy.refillMicroPerMs === 0 ? Number.POSITIVE_INFINITY : policy.refillMicroPerMs / 1000,
};

function percentageOf(basisPoints: number): number | undefined {
  return basisPoints === OFF ? undefined : basisPoints / PER_CENT;
}

/** Checks and completes options. @throws PolicyError */
export function policyOf(options: EndpointOptions): Policy {
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw new PolicyError('options', options, 'an object');
  for (const name of Object.keys(options))
    if (!Object.hasOwn(OPTIONS, name))
      throw new PolicyError(name, NO_OPTION, `one of ${Object.keys(OPTIONS).join(', ')}`);
  const integer = (name: keyof EndpointOptions, fallback: number, most: number, least = 1): number => {
    const value = options[name] ?? fallback;
    if (!Number.isInteger(value) || value < least || value > most)
      throw new PolicyError(name, value, `an integer from ${least} to ${most}`);
    return value;
  };
  const errorBasisPoints = basisPointsOf('errorThresholdPercentage', options.errorThresholdPercentage);
  const slowBasisPoints = basisPointsOf('slowCallPercentage', options.slowCallPercentage);
  const rolling = errorBasisPoints !== OFF || slowBasisPoints !== OFF;
  const counted = options.failureThreshold !== undefined || !rolling;
  checkCompany(options, rolling, counted);
  const halfOpenProbes = integer('halfOpenProbes', 3, 1000);
  const closeRatio = options.closeRatio ?? 0.8;
  if (typeof closeRatio !== 'number' || !(closeRatio > 0 && closeRatio <= 1))
    throw new PolicyError('closeRatio', closeRatio, 'above 0 and at most 1');
  const burst = integer('burst', 100, 255);
  if (options.burst !== undefined && options.refillPerSecond === undefined)
    throw new PolicyError('burst', burst, 'refillPerSecond beside it');
  const refillMicroPerMs = refillOf(options.refillPerSecond ?? Number.POSITIVE_INFINITY);
  const permits =
    (options.capacity ?? Number.POSITIVE_INFINITY) === Number.POSITIVE_INFINITY
      ? 0
      : integer('capacity', 0, MAX_CAPACITY);
  return {
    failureThreshold: counted ? integer('failureThreshold', 5, MAX_FAILURE_THRESHOLD) : 0,
    failureWindowMs: integer('failureWindowMs', 60_000, DAY_MS),
    openDurationMs: integer('resetTimeout', 30_000, DAY_MS),
    halfOpenProbes,
    // 1e-9: 0.8 * 5 is 4 in any arithmetic worth having. At least 1: no failed probe may close it.
    closeSuccesses: Math.max(1, Math.ceil(closeRatio * halfOpenProbes - 1e-9)),
    burst,
    refillMicroPerMs,
    fullMs: refillMicroPerMs === 0 ? 0 : Math.ceil((burst * MICRO_PER_TOKEN) / refillMicroPerMs),
    volumeThreshold: integer('volumeThreshold', 0, MAX_VOLUME, 0),
    errorBasisPoints,
    slowBasisPoints,
    slowCallDurationMs: integer('slowCallDurationMs', 0, DAY_MS, 0),
    bucketMs: rolling ? Math.ceil(integer('rollingCountTimeout', 10_000, DAY_MS, BUCKETS) / BUCKETS) : 0,
    permits,
    permitTable: 0,
    limited: refillMicroPerMs !== 0 || permits !== 0 ? 1 : 0,
  };
}

/** Refuses options that would say nothing without another one. */
function checkCompany(options: EndpointOptions, rolling: boolean, counted: boolean): void {
  const need = (name: keyof EndpointOptions, holds: boolean, company: string): void => {
    if (options[name] !== undefined && !holds)
      throw new PolicyError(name, options[name], `${company} beside it`);
  };
  const percentage = 'errorThresholdPercentage or slowCallPercentage';
  need('volumeThreshold', rolling, percentage);
  need('rollingCountTimeout', rolling, percentage);
  need('failureWindowMs', counted, 'failureThreshold');
  need('slowCallDurationMs', options.slowCallPercentage !== undefined, 'slowCallPercentage');
  need('slowCallPercentage', options.slowCallDurationMs !== undefined, 'slowCallDurationMs');
}

function basisPointsOf(name: keyof EndpointOptions, percentage: number | undefined): number {
  if (percentage === undefined) return OFF;
  // "Above 100 %" would be never.
  if (typeof percentage !== 'number' || !(percentage >= 0 && percentage <= 99.99))
    throw new PolicyError(name, percentage, '0 to 99.99');
  return Math.round(percentage * PER_CENT);
}

function refillOf(perSecond: number): number {
  if (perSecond === Number.POSITIVE_INFINITY) return 0;
  if (typeof perSecond !== 'number' || !(perSecond >= 0.001 && perSecond <= 255_000))
    throw new PolicyError('refillPerSecond', perSecond, '0.001 to 255000, or Infinity');
  return Math.round(perSecond * 1000);
}

/** A policy as options, without those that are off: another machine defines the same endpoint from them. */
export function optionsOf(policy: Policy): EndpointOptions {
  const options = Object.entries(OPTIONS).map(([name, of]) => [name, of(policy)] as const);
  return Object.fromEntries(
    options.filter(
      ([name, value]) =>
        value !== undefined &&
        value !== Number.POSITIVE_INFINITY &&
        (name !== 'burst' || policy.refillMicroPerMs !== 0),
    ),
  );
}

/** Writes a policy into fresh memory; the cell that points to it publishes it. @returns its address */
export function writePolicy(arena: Arena, policy: Policy): number {
  const permitTable = policy.permits === 0 ? 0 : arena.allocate(4 * policy.permits);
  const at = arena.allocate(layout.bytes);
  for (const field of layout.fields)
    arena.i32[(at + field.offsetBytes) >> 2] =
      field.name === 'permitTable' ? permitTable : policy[field.name as keyof Policy];
  return at;
}

/** @throws AttachError where there is no policy: the address comes from memory that a stranger may have written */
export function readPolicy(arena: Arena, at: number): Policy {
  checkAddress(arena, 'address', at, layout.bytes);
  const policy = Object.fromEntries(
    layout.fields.map((field) => [field.name, arena.i32[(at + field.offsetBytes) >> 2]]),
  ) as Policy;
  // The values that addresses are computed from.
  const { failureThreshold, permits, permitTable, bucketMs } = policy;
  if (failureThreshold < 0 || failureThreshold > MAX_FAILURE_THRESHOLD)
    throw new AttachError(layout.name, 'failureThreshold', failureThreshold, `0 to ${MAX_FAILURE_THRESHOLD}`);
  if (permits < 0 || permits > MAX_CAPACITY)
    throw new AttachError(layout.name, 'permits', permits, `0 to ${MAX_CAPACITY}`);
  if (bucketMs < 0 || bucketMs > DAY_MS / BUCKETS)
    throw new AttachError(layout.name, 'bucketMs', bucketMs, `0 to ${DAY_MS / BUCKETS}`);
  if (permits > 0) checkAddress(arena, 'permitTable', permitTable, 4 * permits);
  return policy;
}

function checkAddress(arena: Arena, what: string, at: number, bytes: number): void {
  const last = arena.usedBytes - bytes;
  if (at <= 0 || at > last || at % 4 !== 0)
    throw new AttachError(layout.name, what, at, `a multiple of 4 from 4 to ${last}`);
}

/** True where two endpoints with these policies may share one: permits are in a table of the endpoint's own. */
export function areShareable(one: Policy, other: Policy): boolean {
  return (
    one.permits === 0 &&
    layout.fields.every(({ name }) => one[name as keyof Policy] === other[name as keyof Policy])
  );
}

/** @throws PolicyConflictError where an option that was given differs from the policy that holds */
export function checkAgreement(
  endpoint: string,
  options: EndpointOptions,
  wanted: Policy,
  holds: Policy,
): void {
  for (const name of Object.keys(options) as (keyof EndpointOptions)[]) {
    if (options[name] === undefined) continue;
    const [found, expected] = [OPTIONS[name](holds), OPTIONS[name](wanted)];
    if (found !== expected) throw new PolicyConflictError(endpoint, name, found, expected);
  }
}
