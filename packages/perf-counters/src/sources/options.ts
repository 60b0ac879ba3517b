// Options of sources, checked.
import { ArgumentRangeError } from '../errors.ts';
import type { LabelValue } from '../family.ts';
import { checkMethod, checkSignal } from '../option-names.ts';
import type { Clock } from '../ports.ts';
import { nodeTimers, type ArenaUsage, type HardwareEvents, type ThreadCpu, type Timers } from './ports.ts';

export interface SourcesOptions {
  /** Milliseconds between two samples, at least 10; 5000 by default. Infinity: only when `sample` is called. */
  readonly intervalMs?: number;
  /** The same for what takes long to read (descriptors, handles), at least `intervalMs`; 30 000 by default, or `intervalMs` where that is more. */
  readonly slowIntervalMs?: number;
  /**
   * How long a sample of one source may take, in milliseconds, 1 to 2,147,483,647, or Infinity; 5000 by default. One that is late is left
   * out: nobody waits for it any longer.
   */
  readonly timeoutMs?: number;
  /** Stands before every name. */
  readonly prefix?: string;
  /** Labels of every metric: the same names on every thread; values may differ. */
  readonly labels?: Readonly<Record<string, LabelValue>>;
  /**
   * Whether these publish the figures of the whole process, which one thread at a time may: 'auto' (default) where nobody does, and
   * as soon as nobody does; `true` must; `false` never.
   */
  readonly processWide?: boolean | 'auto';
  /** Disposes. */
  readonly signal?: AbortSignal;
  /** Times what reading costs; `performance` by default. */
  readonly clock?: Clock;
  /** Time between samples, and how long one may take: `setInterval`, unreferenced, by default. */
  readonly timers?: Timers;
}

export interface DefaultsOptions extends SourcesOptions {
  /** Names of the sources to read; all by default. */
  readonly sources?: readonly DefaultSourceName[];
  /** Milliseconds between two looks at the delay of the event loop, an integer of at least 1; 10 by default. */
  readonly eventLoopMonitoringPrecision?: number;
  /** Bounds of `nodejs_gc_duration_seconds` in seconds; 0.001, 0.01, 0.1, 1, 2, 5 by default. */
  readonly gcDurationBuckets?: readonly number[];
  /** Where Node does not tell the CPU time of a thread, or not well enough. */
  readonly threadCpu?: ThreadCpu;
  readonly hardwareEvents?: HardwareEvents;
  /** Shared memory by name, beside the registry's own arena. */
  readonly arenas?: Readonly<Record<string, ArenaUsage>>;
}

export const DEFAULT_SOURCE_NAMES = [
  'eventLoopUtilization',
  'gc',
  'heap',
  'heapSpaces',
  'arenas',
  'threadCpu',
  'threadResources',
  'hardwareEvents',
  'activeHandles',
  'activeRequests',
  'activeResources',
  'processCpu',
  'processMemory',
  'processResources',
  'fileDescriptors',
  'processInfo',
  // Last, as it leaves an immediate behind, which is an active resource.
  'eventLoopDelay',
] as const;

export type DefaultSourceName = (typeof DEFAULT_SOURCE_NAMES)[number];

const MIN_INTERVAL_MS = 10;
/** What `setInterval` takes. */
const MAX_INTERVAL_MS = 2 ** 31 - 1;
const INTERVAL_MS = 5000;
const SLOW_INTERVAL_MS = 30_000;
/** As of health checks. Guessed. */
const TIMEOUT_MS = 5000;

const SHARED: readonly (keyof SourcesOptions)[] = [
  'intervalMs',
  'slowIntervalMs',
  'timeoutMs',
  'prefix',
  'labels',
  'processWide',
  'signal',
  'clock',
  'timers',
];
const OF_DEFAULTS: readonly (keyof DefaultsOptions)[] = [
  'sources',
  'eventLoopMonitoringPrecision',
  'gcDurationBuckets',
  'threadCpu',
  'hardwareEvents',
  'arenas',
];

export interface CheckedOptions {
  readonly intervalMs: number;
  readonly slowIntervalMs: number;
  readonly timeoutMs: number;
  readonly prefix: string;
  readonly labels: Readonly<Record<string, LabelValue>>;
  readonly processWide: boolean | 'auto';
  readonly signal: AbortSignal | undefined;
  readonly clock: Clock;
  readonly timers: Timers;
}

/** @throws ArgumentRangeError */
export function checkOptions(options: SourcesOptions, known: readonly string[] = SHARED): CheckedOptions {
  checkKeys(options, known);
  const { intervalMs = INTERVAL_MS, prefix = '', labels = {}, processWide = 'auto', signal } = options;
  const { slowIntervalMs = Math.max(SLOW_INTERVAL_MS, intervalMs) } = options;
  const { clock = performance, timers = nodeTimers, timeoutMs = TIMEOUT_MS } = options;
  checkInterval('intervalMs', intervalMs, MIN_INTERVAL_MS);
  checkInterval('slowIntervalMs', slowIntervalMs, intervalMs);
  checkInterval('timeoutMs', timeoutMs, 1);
  if (typeof prefix !== 'string') throw new ArgumentRangeError('prefix', prefix, 'a string');
  if (!isObject(labels) || Array.isArray(labels))
    throw new ArgumentRangeError('labels', labels, 'an object of values by name');
  for (const [name, value] of Object.entries(labels))
    if (!['string', 'number', 'boolean'].includes(typeof value))
      throw new ArgumentRangeError(`labels.${name}`, value, 'a string, number or boolean');
  if (![true, false, 'auto'].includes(processWide))
    throw new ArgumentRangeError('processWide', processWide, "true, false or 'auto'");
  checkSignal(signal);
  checkMethod('clock', clock, 'now');
  checkMethod('timers', timers, 'every');
  // In one order, so that threads that give them in another define the same metrics.
  const sorted = Object.fromEntries(Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  return {
    intervalMs,
    slowIntervalMs,
    timeoutMs,
    prefix,
    labels: sorted,
    processWide,
    signal,
    clock,
    timers,
  };
}

/** @throws ArgumentRangeError */
export function checkDefaultsOptions(options: DefaultsOptions): CheckedOptions {
  const checked = checkOptions(options, [...SHARED, ...OF_DEFAULTS]);
  const { sources = [], threadCpu, hardwareEvents, arenas = {} } = options;
  const { eventLoopMonitoringPrecision: precision = 1 } = options;
  if (!Array.isArray(sources)) throw new ArgumentRangeError('sources', sources, 'an array of names');
  for (const [i, name] of sources.entries())
    if (!DEFAULT_SOURCE_NAMES.includes(name) || sources.indexOf(name) !== i)
      throw new ArgumentRangeError(
        `sources[${i}]`,
        name,
        `one of ${DEFAULT_SOURCE_NAMES.join(', ')}, each once`,
      );
  if (!Number.isInteger(precision) || precision < 1 || precision > MAX_INTERVAL_MS)
    throw new ArgumentRangeError('eventLoopMonitoringPrecision', precision, 'an integer of at least 1');
  if (threadCpu !== undefined) checkMethod('threadCpu', threadCpu, 'readNs');
  if (hardwareEvents !== undefined) {
    checkMethod('hardwareEvents', hardwareEvents, 'readInto');
    if (!Array.isArray(hardwareEvents.events))
      throw new ArgumentRangeError('hardwareEvents.events', hardwareEvents.events, 'an array of names');
  }
  if (!isObject(arenas)) throw new ArgumentRangeError('arenas', arenas, 'an object of arenas by name');
  for (const [name, arena] of Object.entries(arenas))
    if (!isObject(arena) || !(arena.bytes >= 0 && arena.usedBytes >= 0))
      throw new ArgumentRangeError(`arenas.${name}`, arena, 'an object with numbers bytes and usedBytes');
  return checked;
}

function checkKeys(options: unknown, known: readonly string[]): void {
  if (!isObject(options)) throw new ArgumentRangeError('options', options, 'an object');
  for (const key of Object.keys(options))
    if (!known.includes(key)) throw new ArgumentRangeError('option', key, `one of ${known.join(', ')}`);
}

function isObject(found: unknown): found is object {
  return typeof found === 'object' && found !== null;
}

function checkInterval(name: string, found: number, least: number): void {
  if (found !== Infinity && !(found >= least && found <= MAX_INTERVAL_MS))
    throw new ArgumentRangeError(name, found, `${least} to ${MAX_INTERVAL_MS}, or Infinity`);
}
