// What a guard is told.
import { AtomicStateError, NO_OPTION, show } from '../errors.ts';
import { FORMATS, type Format } from './format.ts';

export interface CompressionGuardOptions {
  /** Bytes that may come out: 1 to 2^40; 16 MiB by default. */
  readonly maxBytes?: number;
  /**
   * Bytes that may come out for each byte that goes in: at least 1, `Infinity` for any; 10 by default. Applied from 64 KiB of output on.
   * Real JSON goes above 10 (GitHub's webhooks reach 11.8): who takes such payloads sets 100, since zeros in gzip reach 1032.
   */
  readonly maxRatio?: number;
  /** Milliseconds that it may take, with waiting for a turn: 1 to 86,400,000; 1000 by default. */
  readonly maxMs?: number;
  /** Members, frames, streams or entries, all layers together: 1 to 1,000,000; 10,000 by default. */
  readonly maxMembers?: number;
  /** Window that a zstd frame or an xz block may ask its decoder for: 1 KiB to 64 MiB; 8 MiB by default, as RFC 8878 recommends. */
  readonly maxWindowBytes?: number;
  /**
   * Layers that are inflated: 1 to 16; 1 by default. With more, what comes out compressed again is held (at most `maxBytes` of it) and
   * inflated in turn, under the same caps. What lies deeper is reported as `nested`.
   */
  readonly maxDepth?: number;
  /** Inspections at a time: 1 to 1024; 2 by default, half of Node's thread pool. */
  readonly maxConcurrent?: number;
  /** Inspections that wait for a turn: 0 to 1,000,000; 64 by default. Beyond it the outcome is `busy`. */
  readonly maxWaiting?: number;
  /** What may be let through; all formats by default. Others are `unsupported`. */
  readonly formats?: readonly Format[];
}

export type Limits = Required<CompressionGuardOptions>;

/** An option of a guard that is none, or outside its range. */
export class GuardOptionError extends AtomicStateError {
  override readonly name = 'GuardOptionError';

  constructor(option: string, found: unknown, expected: string) {
    super('ERR_GUARD_OPTION', `${option} is ${show(found)}, expected ${expected}`);
  }
}

const MIB = 1 << 20;
const DAY_MS = 86_400_000;

type NumberOption = Exclude<keyof Limits, 'maxRatio' | 'formats'>;

/** Default, least, most. */
const INTEGERS: Readonly<Record<NumberOption, readonly [number, number, number]>> = {
  maxBytes: [16 * MIB, 1, 2 ** 40],
  maxMs: [1000, 1, DAY_MS],
  maxMembers: [10_000, 1, 1_000_000],
  // 64 MiB is what the decoder of xz takes at most.
  maxWindowBytes: [8 * MIB, 1024, 64 * MIB],
  maxDepth: [1, 1, 16],
  maxConcurrent: [2, 1, 1024],
  maxWaiting: [64, 0, 1_000_000],
};
const OPTIONS: readonly string[] = [...Object.keys(INTEGERS), 'maxRatio', 'formats'];

/** Checks and completes options. @throws GuardOptionError */
export function limitsOf(options: CompressionGuardOptions): Limits {
  for (const name of Object.keys(options))
    if (!OPTIONS.includes(name)) throw new GuardOptionError(name, NO_OPTION, `one of ${OPTIONS.join(', ')}`);
  const integer = (name: NumberOption): number => {
    const [fallback, least, most] = INTEGERS[name];
    const value = options[name] ?? fallback;
    if (!Number.isInteger(value) || value < least || value > most)
      throw new GuardOptionError(name, value, `an integer from ${least} to ${most}`);
    return value;
  };
  const maxRatio = options.maxRatio ?? 10;
  if (typeof maxRatio !== 'number' || !(maxRatio >= 1))
    throw new GuardOptionError('maxRatio', maxRatio, 'at least 1, or Infinity');
  const formats = options.formats ?? FORMATS;
  if (!Array.isArray(formats)) throw new GuardOptionError('formats', formats, 'an array of formats');
  for (const format of formats as readonly unknown[])
    if (!(FORMATS as readonly unknown[]).includes(format))
      throw new GuardOptionError('formats', format, `some of ${FORMATS.join(', ')}`);
  return {
    maxBytes: integer('maxBytes'),
    maxRatio,
    maxMs: integer('maxMs'),
    maxMembers: integer('maxMembers'),
    maxWindowBytes: integer('maxWindowBytes'),
    maxDepth: integer('maxDepth'),
    maxConcurrent: integer('maxConcurrent'),
    maxWaiting: integer('maxWaiting'),
    formats: [...formats] as Format[],
  };
}
