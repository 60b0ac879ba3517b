// What an endpoint is told when it is defined, checked and turned into the integers that the kernel computes with.
import { AttachError, type Arena } from '@corelane/shared-memory';
import { PolicyConflictError, PolicyError } from './errors.ts';
import { MAX_FAILURE_THRESHOLD, MICRO_PER_TOKEN, policy as layout } from './layout.ts';

export interface EndpointOptions {
  /** Failures inside the window that open the breaker: 1 to 96, 5 by default. */
  readonly failureThreshold?: number;
  /** Length of the sliding window in milliseconds: 1 to 86,400,000, 60,000 by default. */
  readonly failureWindowMs?: number;
  /** Milliseconds that the breaker stays open, and that a probe may stay unanswered: 1 to 86,400,000, 30,000 by default. */
  readonly resetTimeout?: number;
  /** Calls admitted while half open: 1 to 1000, 3 by default. */
  readonly halfOpenProbes?: number;
  /** Share of them that must succeed to close the breaker: above 0, at most 1, 0.8 by default. */
  readonly closeRatio?: number;
  /** Tokens that the bucket holds, and starts with: 1 to 255, 100 by default. */
  readonly burst?: number;
  /** Tokens that come back a second: 0.001 to 255,000, to the nearest 0.001; `Infinity`, the default, does not limit the rate. */
  readonly refillPerSecond?: number;
}

/** A policy in the integers of the layout. */
export type Policy = { readonly [K in keyof typeof layout.offset]: number };

const DAY_MS = 86_400_000;

/** What an option is in a policy, in the unit of the option. */
const OPTIONS: { readonly [K in keyof Required<EndpointOptions>]: (policy: Policy) => number } = {
  failureThreshold: (policy) => policy.failureThreshold,
  failureWindowMs: (policy) => policy.failureWindowMs,
  resetTimeout: (policy) => policy.openDurationMs,
  halfOpenProbes: (policy) => policy.halfOpenProbes,
  closeRatio: (policy) => policy.closeSuccesses / policy.halfOpenProbes,
  burst: (policy) => policy.capacity,
  refillPerSecond: (policy) =>
    policy.refillMicroPerMs === 0 ? Number.POSITIVE_INFINITY : policy.refillMicroPerMs / 1000,
};

/** Checks and completes options. @throws PolicyError */
export function policyOf(options: EndpointOptions): Policy {
  for (const name of Object.keys(options))
    if (!(name in OPTIONS))
      throw new PolicyError(name, 'no option', `one of ${Object.keys(OPTIONS).join(', ')}`);
  const integer = (name: keyof EndpointOptions, fallback: number, most: number): number => {
    const value = options[name] ?? fallback;
    if (!Number.isInteger(value) || value < 1 || value > most)
      throw new PolicyError(name, value, `an integer from 1 to ${most}`);
    return value;
  };
  const halfOpenProbes = integer('halfOpenProbes', 3, 1000);
  const closeRatio = options.closeRatio ?? 0.8;
  if (typeof closeRatio !== 'number' || !(closeRatio > 0 && closeRatio <= 1))
    throw new PolicyError('closeRatio', closeRatio, 'above 0 and at most 1');
  const capacity = integer('burst', 100, 255);
  const refillPerSecond = options.refillPerSecond ?? Number.POSITIVE_INFINITY;
  if (
    typeof refillPerSecond !== 'number' ||
    (refillPerSecond !== Number.POSITIVE_INFINITY &&
      !(refillPerSecond >= 0.001 && refillPerSecond <= 255_000))
  )
    throw new PolicyError('refillPerSecond', refillPerSecond, '0.001 to 255000, or Infinity');
  const refillMicroPerMs = Number.isFinite(refillPerSecond) ? Math.round(refillPerSecond * 1000) : 0;
  return {
    failureThreshold: integer('failureThreshold', 5, MAX_FAILURE_THRESHOLD),
    failureWindowMs: integer('failureWindowMs', 60_000, DAY_MS),
    openDurationMs: integer('resetTimeout', 30_000, DAY_MS),
    halfOpenProbes,
    // 1e-9: 0.8 * 5 is 4 in any arithmetic worth having. At least 1: no failed probe may close it.
    closeSuccesses: Math.max(1, Math.ceil(closeRatio * halfOpenProbes - 1e-9)),
    capacity,
    refillMicroPerMs,
    fullMs: refillMicroPerMs === 0 ? 0 : Math.ceil((capacity * MICRO_PER_TOKEN) / refillMicroPerMs),
  };
}

/** Writes a policy into fresh memory; the cell that points to it publishes it. @returns its address */
export function writePolicy(arena: Arena, policy: Policy): number {
  const at = arena.allocate(layout.bytes);
  for (const field of layout.fields)
    arena.i32[(at + field.offsetBytes) >> 2] = policy[field.name as keyof Policy];
  return at;
}

/** @throws AttachError where there is no policy: the address comes from memory that a stranger may have written */
export function readPolicy(arena: Arena, at: number): Policy {
  const last = arena.usedBytes - layout.bytes;
  if (at <= 0 || at > last || at % 4 !== 0)
    throw new AttachError(layout.name, 'address', at, `a multiple of 4 from 4 to ${last}`);
  const policy = Object.fromEntries(
    layout.fields.map((field) => [field.name, arena.i32[(at + field.offsetBytes) >> 2]]),
  ) as Policy;
  const { failureThreshold } = policy;
  // The one value that addresses are computed from.
  if (failureThreshold < 1 || failureThreshold > MAX_FAILURE_THRESHOLD)
    throw new AttachError(layout.name, 'failureThreshold', failureThreshold, `1 to ${MAX_FAILURE_THRESHOLD}`);
  return policy;
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
