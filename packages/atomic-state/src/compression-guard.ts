// Finds compression bombs by inflating them under caps. A bomb of 50 MB is 50 KB on the wire, so the size of what arrived says nothing,
// and neither does anything in its headers: sizes there are written by whoever made the bomb, and the gzip trailer holds them modulo 2^32.
//
// Rejected: believing the size in a header or trailer, and the one-call functions of node:zlib with `maxOutputLength`, which hold all of
// the output, know neither ratio nor time, skip what follows the first zstd frame and take a truncated one for whole.
import { formatOf, FORMATS, type Encoding, type Format } from './compression/format.ts';
import { GuardFigures, type GuardMetrics } from './compression/guard-metrics.ts';
import {
  GuardOptionError,
  limitsOf,
  type CompressionGuardOptions,
  type Limits,
} from './compression/guard-options.ts';
import type { Inspection, Outcome } from './compression/inspection.ts';
import { Tally, type Reader } from './compression/tally.ts';
import { Turnstile } from './compression/turnstile.ts';

export interface InspectOptions {
  /** What the sender says that it is. Without it, the first bytes decide. */
  readonly encoding?: Encoding | undefined;
  readonly signal?: AbortSignal | undefined;
  /**
   * Shown each inflated piece of the outermost layer, in order; never a byte beyond a cap, and nothing of a plain payload. A piece is only
   * valid during the call. What it throws ends the inspection, which rejects with it.
   */
  readonly visit?: ((piece: Uint8Array) => void) | undefined;
}

/** Whether a format can be inspected here, and why not. */
export type Capability =
  | { readonly inspectable: true }
  | { readonly inspectable: false; readonly reason: string };

/** Loaded when first needed: who never inspects a format does not pay for it. */
const READERS: Readonly<Record<Format, () => Promise<Reader>>> = {
  gzip: async () => (await import('./compression/gzip.ts')).readGzip,
  zip: async () => (await import('./compression/zip.ts')).readZip,
  xz: async () => (await import('./compression/xz.ts')).readXz,
  zstd: async () => (await import('./compression/zstd.ts')).readZstd,
  br: async () => (await import('./compression/bare.ts')).readBrotli,
  deflate: async () => (await import('./compression/bare.ts')).readDeflate,
  'deflate-raw': async () => (await import('./compression/bare.ts')).readDeflateRaw,
};

/**
 * Inspects payloads from strangers before anybody inflates them. One for each thread: it is not shared, its figures are its own.
 */
export class CompressionGuard {
  readonly limits: Limits;
  readonly #turnstile: Turnstile;
  readonly #figures = new GuardFigures();

  /** @throws GuardOptionError */
  constructor(options: CompressionGuardOptions = {}) {
    this.limits = limitsOf(options);
    this.#turnstile = new Turnstile(this.limits.maxConcurrent, this.limits.maxWaiting);
  }

  /**
   * Inflates `bytes` to its end or to a cap, and says what it is. The bytes must stay as they are until it has resolved.
   * @throws (rejects with) the signal's reason, or what `visit` threw. Nothing is left behind, whatever happens.
   */
  async inspect(bytes: Uint8Array, options: InspectOptions = {}): Promise<Inspection> {
    if (!(bytes instanceof Uint8Array)) throw new GuardOptionError('bytes', bytes, 'a Uint8Array');
    const { encoding, signal } = options;
    try {
      signal?.throwIfAborted();
      const found = formatOf(bytes);
      const inspection =
        found === undefined && (encoding === undefined || encoding === 'identity')
          ? plain(bytes)
          : await this.#inTurn(bytes, found, options);
      this.#figures.record(inspection);
      return inspection;
    } catch (error) {
      this.#figures.rejected++;
      throw error;
    }
  }

  /** What this guard has seen so far. */
  metrics(): GuardMetrics {
    return this.#figures.read(this.#turnstile.inside, this.#turnstile.waiting);
  }

  /** What it can inspect on this machine with these options. Everything else is refused as `unsupported`. */
  async capabilities(): Promise<Record<Format, Capability>> {
    const entries = FORMATS.map(async (format): Promise<[Format, Capability]> => {
      const reason = this.limits.formats.includes(format)
        ? await unavailable(format)
        : 'it is not among the option formats';
      return [format, reason === undefined ? { inspectable: true } : { inspectable: false, reason }];
    });
    return Object.fromEntries(await Promise.all(entries)) as Record<Format, Capability>;
  }

  async #inTurn(bytes: Uint8Array, found: Format | undefined, options: InspectOptions): Promise<Inspection> {
    const { maxMs } = this.limits;
    const startMs = performance.now();
    const account = new Account(this.limits, bytes, startMs);
    let passage = await this.#turnstile.enter(maxMs, options.signal);
    // Its turn came with the end of its time: it has waited, not been slow.
    if (passage === 'in' && performance.now() - startMs >= maxMs) {
      this.#turnstile.leave();
      passage = 'late';
    }
    if (passage !== 'in') {
      const { maxWaiting } = this.limits;
      const format = declaredFormat(options.encoding) ?? found;
      return account.refused(
        format,
        'busy',
        passage === 'full'
          ? `as many wait already as maxWaiting allows, ${maxWaiting}`
          : `no turn within ${maxMs} ms`,
      );
    }
    try {
      return await this.#inspect(found, options, account);
    } finally {
      this.#turnstile.leave();
    }
  }

  async #inspect(
    found: Format | undefined,
    { encoding, signal, visit }: InspectOptions,
    account: Account,
  ): Promise<Inspection> {
    if (encoding === undefined) return await account.inflate(found as Format, signal, visit);
    const declared = declaredFormat(encoding);
    if (declared === undefined && encoding !== 'identity')
      return account.refused(found, 'unsupported', `encoding ${JSON.stringify(encoding)} is not known`);
    const mismatch = `declared as ${encoding}, begins as ${found ?? 'nothing with a magic number'}`;
    if (declared === undefined) return account.refused(found, 'mismatched encoding', mismatch);
    if (declared === found) return await account.inflate(declared, signal, visit);
    if (hasMagic(declared)) return account.refused(found ?? declared, 'mismatched encoding', mismatch);
    const inspection = await account.inflate(declared, signal, visit);
    if (found === undefined) return inspection;
    // A format without a magic number may begin with any bytes: brotli of 2188 bytes with a window of 16 MiB begins as a gzip does. It is
    // what was declared only where it is whole as that, and nothing as the other.
    if (inspection.outcome === 'corrupt') return account.refused(found, 'mismatched encoding', mismatch);
    if (inspection.outcome !== 'passed') return inspection;
    const other = await account.inflate(found, signal, undefined);
    if (other.outcome === 'corrupt') return inspection;
    return account.refused(found, 'mismatched encoding', `${mismatch}, and is both`);
  }
}

/** One payload, its caps and its time: over all attempts at it. */
class Account {
  readonly #limits: Limits;
  readonly #bytes: Uint8Array;
  readonly #startMs: number;

  constructor(limits: Limits, bytes: Uint8Array, startMs: number) {
    this.#limits = limits;
    this.#bytes = bytes;
    this.#startMs = startMs;
  }

  refused(format: Format | undefined, outcome: Outcome, reason: string): Inspection {
    return {
      ...nothingInflated(this.#bytes),
      format,
      outcome,
      reason,
      elapsedMs: performance.now() - this.#startMs,
    };
  }

  async inflate(
    format: Format,
    signal: AbortSignal | undefined,
    visit: InspectOptions['visit'],
  ): Promise<Inspection> {
    if (!this.#limits.formats.includes(format))
      return this.refused(format, 'unsupported', `${format} is not among the option formats`);
    const deadlineMs = this.#startMs + this.#limits.maxMs;
    const tally = new Tally(this.#limits, this.#bytes.length, deadlineMs, visit);
    // Pieces look at the clock themselves; this is for when none comes, because the thread pool is taken.
    const timer = setTimeout(() => tally.inTime(), Math.max(0, deadlineMs - performance.now()) + 1);
    const onAbort = (): void => tally.fail(signal?.reason);
    signal?.addEventListener('abort', onAbort);
    try {
      if (signal?.aborted === true) onAbort();
      if (tally.inTime()) await readLayers(format, this.#bytes, tally);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    }
    if (tally.failure !== undefined) throw tally.failure.error;
    const { bytesOut, members, depth, nested, refusal } = tally;
    const bytesIn = this.#bytes.length;
    return {
      format,
      outcome: refusal?.outcome ?? 'passed',
      reason: refusal?.reason,
      bytesIn,
      bytesOut,
      ratio: bytesIn === 0 ? 0 : bytesOut / bytesIn,
      members,
      depth,
      nested,
      elapsedMs: performance.now() - this.#startMs,
    };
  }
}

async function readLayers(format: Format, bytes: Uint8Array, tally: Tally): Promise<void> {
  const read = await READERS[format]();
  await read(bytes, tally);
  for (let inner = tally.descend(); inner.length > 0 && !tally.isOver; inner = tally.descend())
    for (const each of inner) {
      const readInner = await READERS[each.format]();
      if (!tally.isOver) await readInner(Buffer.concat(each.pieces), tally);
    }
}

async function unavailable(format: Format): Promise<string | undefined> {
  if (format === 'zstd') return (await import('./compression/zstd.ts')).zstdUnavailable();
  if (format === 'xz') return await (await import('./compression/xz.ts')).xzUnavailable();
  if (format === 'zip') return await (await import('./compression/zip-directory.ts')).zipUnavailable();
  return undefined;
}

function declaredFormat(encoding: Encoding | undefined): Format | undefined {
  return FORMATS.find((format) => format === encoding);
}

function hasMagic(format: Format): boolean {
  return format === 'gzip' || format === 'zip' || format === 'xz' || format === 'zstd';
}

function nothingInflated(bytes: Uint8Array): Omit<Inspection, 'format' | 'outcome' | 'reason' | 'elapsedMs'> {
  return { bytesIn: bytes.length, bytesOut: 0, ratio: 0, members: 0, depth: 0, nested: undefined };
}

function plain(bytes: Uint8Array): Inspection {
  return { ...nothingInflated(bytes), format: undefined, outcome: 'plain', reason: undefined, elapsedMs: 0 };
}
