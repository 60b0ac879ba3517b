// Settings that will not do are said when the gateway starts, by name, with what was found and what was expected: not by a 500 at the
// first request that meets them.
import {
  AtomicStateError,
  CompressionGuard,
  StateMachine,
  type EndpointOptions,
} from '@corelane/atomic-state';
import { Arena, CoarseClock } from '@corelane/shared-memory';
import { isIdentifier } from '../checks/identifier.ts';
import { SettingError } from '../errors.ts';
import type { Settings } from './options.ts';

/** What a timer of Node can wait. */
const MAX_TIMER_MS = 2 ** 31 - 1;
/** Of pooled memory: half of what an arena can be. */
const MAX_POOL_BYTES = 2 ** 30;
/** Enough for one endpoint and its policies. */
const SCRATCH_BYTES = 1 << 16;

type Check = (name: string, value: unknown) => void;

const CHECKS: { readonly [K in keyof Settings]: Check } = {
  port: integer(0, 65_535),
  host: text,
  workers: integer(1, 64),
  checkThreads: integer(1, 64),
  reusePort: boolean,
  upstream: origin,
  sources,
  maxBodyBytes: integer(1, MAX_POOL_BYTES),
  buffers: integer(1, 2 ** 20),
  unfinishedShare: number(0, 1),
  unfinishedPerWorker: integer(1, 2 ** 20),
  maxDepth: integer(1, 65_536),
  inflate,
  breakers: oneOf('shared', 'per-worker'),
  breaker: policy,
  limits,
  endpoints: integer(1, 65_536),
  checkTimeoutMs: integer(1, MAX_TIMER_MS),
  eventCapacity: integer(1, 2 ** 18),
  queueTimeoutMs: integer(1, MAX_TIMER_MS),
  deliveryTimeoutMs: integer(1, MAX_TIMER_MS),
  deliveriesPerWorker: integer(1, 10_000),
  headersTimeoutMs: integer(1, MAX_TIMER_MS),
  requestTimeoutMs: integer(1, MAX_TIMER_MS),
  stuckCheckEvery: integer(0, MAX_TIMER_MS),
};

/** The names that a gateway can be told: what `settingsOf` computes is no option. */
const OPTION_NAMES: readonly string[] = Object.keys(CHECKS).filter((name) => name !== 'unfinishedPerWorker');

/** @throws SettingError where an option has a name that none has */
export function checkOptionNames(options: object): void {
  for (const name of Object.keys(options))
    if (!OPTION_NAMES.includes(name))
      throw new SettingError('option', name, `one of ${OPTION_NAMES.join(', ')}`);
}

/** @throws SettingError */
export function checkSettings(settings: Settings): void {
  for (const [name, check] of Object.entries(CHECKS)) check(name, settings[name as keyof Settings]);
  const { buffers, maxBodyBytes } = settings;
  if (buffers * maxBodyBytes > MAX_POOL_BYTES)
    throw new SettingError(
      'buffers × maxBodyBytes',
      buffers * maxBodyBytes,
      `at most ${MAX_POOL_BYTES} bytes`,
    );
}

function integer(least: number, most: number): Check {
  return (name, value) => {
    if (!Number.isInteger(value) || (value as number) < least || (value as number) > most)
      throw new SettingError(name, value, `an integer from ${least} to ${most}`);
  };
}

/** Above `over`, up to `most`. */
function number(over: number, most: number): Check {
  return (name, value) => {
    if (typeof value !== 'number' || !(value > over && value <= most))
      throw new SettingError(name, value, `a number above ${over}, at most ${most}`);
  };
}

function oneOf(...values: readonly string[]): Check {
  return (name, value) => {
    if (!values.includes(value as string)) throw new SettingError(name, value, values.join(' or '));
  };
}

function boolean(name: string, value: unknown): void {
  if (typeof value !== 'boolean') throw new SettingError(name, value, 'true or false');
}

function text(name: string, value: unknown): void {
  if (typeof value !== 'string' || value === '')
    throw new SettingError(name, value, 'a text that is not empty');
}

function entries(name: string, value: unknown): [string, unknown][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new SettingError(name, value, 'an object');
  return Object.entries(value);
}

function origin(name: string, value: unknown): void {
  const url = typeof value === 'string' && URL.canParse(value) ? new URL(value) : undefined;
  const good =
    url !== undefined && /^https?:$/.test(url.protocol) && url.pathname === '/' && url.search === '';
  if (!good) throw new SettingError(name, value, 'the origin of an HTTP server, e.g. http://127.0.0.1:9000');
}

function sources(name: string, value: unknown): void {
  for (const [source, of] of entries(name, value)) {
    if (!isIdentifier('source', source))
      throw new SettingError(`a name in ${name}`, source, 'a-z, then a-z, 0-9 and -, at most 32 characters');
    text(`${name}.${source}.secret`, (of as { secret?: unknown } | null)?.secret);
  }
}

function inflate(name: string, value: unknown): void {
  const caps: readonly string[] = ['maxBytes', 'maxRatio', 'maxMs'];
  for (const [cap, limit] of entries(name, value)) {
    if (!caps.includes(cap)) throw new SettingError(`a name in ${name}`, cap, `one of ${caps.join(', ')}`);
    try {
      // The guard knows best what it takes.
      void new CompressionGuard({ [cap]: limit });
    } catch (cause) {
      throw new SettingError(`${name}.${cap}`, limit, `a cap of the guard (${String(cause)})`, { cause });
    }
  }
}

function limits(name: string, value: unknown): void {
  for (const [endpoint, options] of entries(name, value)) {
    const [source = '', event = '', ...more] = endpoint.split('/');
    if (!isIdentifier('source', source) || !isIdentifier('event', event) || more.length > 0)
      throw new SettingError(`a name in ${name}`, endpoint, 'source/event');
    policy(`${name}[${JSON.stringify(endpoint)}]`, options);
  }
}

/** The state machine knows best what it takes: it is asked, in an arena that is thrown away. */
function policy(name: string, value: unknown): void {
  const permits = Object.fromEntries(entries(name, value))['capacity'];
  // An event that waits has no permit, so that this would be accepted and do nothing.
  if (permits !== undefined && permits !== Number.POSITIVE_INFINITY)
    throw new SettingError(
      `${name}.capacity`,
      permits,
      'nothing: deliveriesPerWorker limits calls at a time',
    );
  const arena = Arena.create({ bytes: SCRATCH_BYTES });
  try {
    StateMachine.create(arena, {
      endpoints: 1,
      clock: CoarseClock.create(arena),
      defaults: value as EndpointOptions,
    });
  } catch (cause) {
    if (!(cause instanceof AtomicStateError)) throw cause;
    throw new SettingError(name, value, `options of an endpoint (${cause.message})`, { cause });
  }
}
