// An endpoint at a glance, as plain data: for reports, and to be restored from, in this process or another one.
import type { CellReading, WindowReading } from './endpoint-cells.ts';
import { SnapshotError } from './errors.ts';
import { bucket, MAX_SKEW_MS, MICRO_PER_TOKEN, word } from './layout.ts';
import type { EndpointOptions, Policy } from './policy.ts';
import { decodeWord, wordToBigInt, type EndpointState, type WordSnapshot } from './word.ts';

/** The word is one moment's; what stands beside it may be of a moment later. */
export interface EndpointSnapshot extends WordSnapshot, WindowReading {
  readonly name: string;
  readonly index: number;
  /** The whole word, `0x` and 16 digits, high half first. */
  readonly word: string;
  /** Opened by hand, until it is closed by hand. */
  readonly isolated: boolean;
  /** Closed to Open by results, since the endpoint was defined. */
  readonly trips: number;
  /** HalfOpen to Open, since the endpoint was defined. */
  readonly reopens: number;
  /** Openings by hand, since the endpoint was defined. */
  readonly forced: number;
  /** Probes admitted in this era. */
  readonly probesAdmitted: number;
  /** Calls that hold a permit; 0 where `capacity` is not limited. */
  readonly inFlight: number;
  /** Milliseconds after which asking again may help; 0 while calls are admitted, null where only `close` helps. */
  readonly retryAfterMs: number | null;
  /** Compressed payloads that were recorded, refused ones among them. */
  readonly compressionDetected: number;
  readonly bombsRefused: number;
  /** What it was defined with, completed; what is off or unlimited is left out. */
  readonly options: EndpointOptions;
}

/** What `machine.snapshot()` gives and `machine.restore` takes. */
export interface MachineSnapshot {
  readonly format: 'corelane/atomic-state';
  readonly version: 1;
  readonly endpoints: readonly EndpointSnapshot[];
}

/** Milliseconds from now after which asking again may help; 0 while calls are admitted, null where only `close` helps. */
export function retryAfterMs(reading: CellReading, policy: Policy, nowMs: number): number | null {
  const { state, era, tokens, isolated } = decodeWord(reading.low, reading.high);
  if (isolated) return null;
  const remaining = (sinceMs: number, wholeMs: number): number => {
    const elapsedMs = (nowMs - sinceMs) | 0;
    if (elapsedMs < 0) return elapsedMs > -MAX_SKEW_MS ? wholeMs : 0; // as in the kernel
    return Math.max(0, wholeMs - elapsedMs);
  };
  switch (state) {
    case 'closed':
      return 0;
    case 'open': {
      const { sinceMs, era: stamped } = reading.ledger;
      return stamped === era ? remaining(sinceMs, policy.openDurationMs) : policy.openDurationMs;
    }
    case 'half-open': {
      const { admitted, sinceMs } = reading.ledger;
      if (admitted < policy.halfOpenProbes) return 0;
      // Probes that never answered: whoever asks now opens the breaker again, and the time starts anew.
      return remaining(sinceMs, policy.openDurationMs) || policy.openDurationMs;
    }
    case 'throttled': {
      if (tokens > 0 || policy.refillMicroPerMs === 0) return 0;
      const { fractionMicro, sinceMs } = reading.refill;
      return remaining(sinceMs, Math.ceil((MICRO_PER_TOKEN - fractionMicro) / policy.refillMicroPerMs));
    }
  }
}

/** @param about what does not stand in the cell */
export function snapshotOf(
  reading: CellReading,
  windows: WindowReading,
  about: Pick<EndpointSnapshot, 'name' | 'index' | 'retryAfterMs' | 'options'>,
): EndpointSnapshot {
  const { low, high, ledger, trips, reopens, forced, inFlight, compressionDetected, bombsRefused } = reading;
  const decoded = decodeWord(low, high);
  return {
    ...about,
    ...decoded,
    word: `0x${wordToBigInt(low, high).toString(16).padStart(16, '0')}`,
    trips,
    reopens,
    forced,
    probesAdmitted: ledger.era === decoded.era ? ledger.admitted : 0,
    inFlight,
    compressionDetected,
    bombsRefused,
    ...windows,
  };
}

/** What is restored of an endpoint: checked, in the units of the layout. */
export interface RestorableEndpoint {
  readonly name: string;
  readonly options: EndpointOptions;
  readonly target: 'closed' | 'open' | 'isolated';
  readonly retryAfterMs: number;
  readonly tokens: number;
  /** -1: no compressed payload was seen. */
  readonly ratio: number;
  readonly successes: number;
  readonly failures: number;
  readonly windows: WindowReading;
}

const STATES: readonly EndpointState[] = ['open', 'half-open', 'throttled', 'closed'];
const DAY_MS = 86_400_000;
const BYTE = 255;

/** Checks what claims to be a snapshot of a machine or of an endpoint. @throws SnapshotError */
export function parseSnapshot(from: unknown): RestorableEndpoint[] {
  const whole = recordOf(from, 'snapshot');
  if (!('endpoints' in whole)) return [parseEndpoint(whole, 'snapshot')];
  if (whole['format'] !== 'corelane/atomic-state')
    throw new SnapshotError('format', whole['format'], 'corelane/atomic-state');
  if (whole['version'] !== 1) throw new SnapshotError('version', whole['version'], '1');
  const endpoints = arrayOf(whole['endpoints'], 'endpoints').map((each, i) =>
    parseEndpoint(recordOf(each, `endpoints[${i}]`), `endpoints[${i}]`),
  );
  const names = new Set(endpoints.map(({ name }) => name));
  if (names.size !== endpoints.length)
    throw new SnapshotError('endpoints', `${endpoints.length} of ${names.size} names`, 'a name each');
  return endpoints;
}

function parseEndpoint(from: Record<string, unknown>, path: string): RestorableEndpoint {
  const { name, state } = from;
  if (typeof name !== 'string') throw new SnapshotError(`${path}.name`, name, 'a string');
  if (!STATES.includes(state as EndpointState))
    throw new SnapshotError(`${path}.state`, state, `one of ${STATES.join(', ')}`);
  if (typeof from['isolated'] !== 'boolean')
    throw new SnapshotError(`${path}.isolated`, from['isolated'], 'a boolean');
  const integer = (key: string, most: number): number => integerOf(from[key], `${path}.${key}`, most);
  const isOpen = state === 'open' || state === 'half-open';
  const flags = integer('flags', BYTE);
  return {
    name,
    options: recordOf(from['options'], `${path}.options`),
    target: from['isolated'] ? 'isolated' : isOpen ? 'open' : 'closed',
    // Half open is open with its time over: the next call is a probe, and no probe is out.
    retryAfterMs: from['isolated'] || state !== 'open' ? 0 : integer('retryAfterMs', DAY_MS),
    tokens: integer('tokens', BYTE),
    ratio: (flags & 16) === 0 ? -1 : integer('compressionRatio', BYTE),
    successes: state === 'half-open' ? 0 : integer('successes', word.field.successes.mask),
    failures: state === 'half-open' ? 0 : integer('failures', word.field.failures.mask),
    windows: isOpen ? { failureAgesMs: [], buckets: [] } : parseWindows(from, path),
  };
}

function parseWindows(from: Record<string, unknown>, path: string): WindowReading {
  const most = bucket.field.calls.mask;
  return {
    failureAgesMs: arrayOf(from['failureAgesMs'], `${path}.failureAgesMs`).map((age, i) =>
      integerOf(age, `${path}.failureAgesMs[${i}]`, DAY_MS),
    ),
    buckets: arrayOf(from['buckets'], `${path}.buckets`).map((each, i) => {
      const at = `${path}.buckets[${i}]`;
      const one = recordOf(each, at);
      const calls = integerOf(one['calls'], `${at}.calls`, most);
      return {
        ageMs: integerOf(one['ageMs'], `${at}.ageMs`, DAY_MS),
        calls,
        failures: integerOf(one['failures'], `${at}.failures`, calls),
        slow: integerOf(one['slow'], `${at}.slow`, calls),
      };
    }),
  };
}

function recordOf(from: unknown, path: string): Record<string, unknown> {
  if (typeof from !== 'object' || from === null || Array.isArray(from))
    throw new SnapshotError(path, from, 'an object');
  return from as Record<string, unknown>;
}

function arrayOf(from: unknown, path: string): readonly unknown[] {
  if (!Array.isArray(from)) throw new SnapshotError(path, from, 'an array');
  return from;
}

function integerOf(from: unknown, path: string, most: number): number {
  if (!Number.isInteger(from) || (from as number) < 0 || (from as number) > most)
    throw new SnapshotError(path, from, `an integer from 0 to ${most}`);
  return from as number;
}
