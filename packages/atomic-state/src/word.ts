// The state word as a pure value: decoded, encoded, asked. What changes it is in kernel/.
import type { BitField } from '@corelane/shared-memory';
import { CIRCUIT_OPEN, ERA_MASK, ERA_SHIFT, HALF_OPEN, THROTTLED, word } from './layout.ts';

/** Decoded with this precedence where several flags are set: Open, HalfOpen, Throttled, Closed. */
export type EndpointState = 'open' | 'half-open' | 'throttled' | 'closed';

export interface WordSnapshot {
  readonly state: EndpointState;
  /** Since the breaker changed state; in the half-open state, of probes. Stays at 65535. */
  readonly failures: number;
  readonly successes: number;
  /** 0 to 255. */
  readonly tokens: number;
  /** Of the last compressed payload, 0 to 255. */
  readonly compressionRatio: number;
  /** 8 bits: CIRCUIT_OPEN 1, HALF_OPEN 2, THROTTLED 4, MONITORED 8, COMPRESSED 16, and the era in the upper three. */
  readonly flags: number;
  /** Openings of the breaker so far, and closings by hand of what was isolated, modulo 8. */
  readonly era: number;
  /** Opened by hand, until it is closed by hand: CIRCUIT_OPEN and HALF_OPEN both. */
  readonly isolated: boolean;
  /** Transitions so far, modulo 256. */
  readonly version: number;
}

const ISOLATED = CIRCUIT_OPEN | HALF_OPEN;

/** Decodes the halves of a word. */
export function decodeWord(low: number, high: number): WordSnapshot {
  const of = (field: BitField): number => ((field.half === 0 ? low : high) >>> field.shift) & field.mask;
  const flags = of(word.field.flags);
  return {
    state: stateOf(flags),
    failures: of(word.field.failures),
    successes: of(word.field.successes),
    tokens: of(word.field.tokens),
    compressionRatio: of(word.field.compressionRatio),
    flags,
    isolated: (flags & ISOLATED) === ISOLATED,
    era: (flags >>> ERA_SHIFT) & ERA_MASK,
    version: of(word.field.version),
  };
}

/** The word as one number, high half first, as it is written down: a new one is `0x0000000064000000n`. */
export function wordToBigInt(low: number, high: number): bigint {
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
}

export function stateOf(flags: number): EndpointState {
  if ((flags & CIRCUIT_OPEN) !== 0) return 'open';
  if ((flags & HALF_OPEN) !== 0) return 'half-open';
  return (flags & THROTTLED) !== 0 ? 'throttled' : 'closed';
}
