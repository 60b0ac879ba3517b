// A failure script: windows of time in which the upstream is dead for some paths. Plain JSON, checked when it arrives.
import { ScheduleError } from '../errors.ts';

/**
 * - `refuse`: no new connection is accepted, and a request on an open one is cut off. For all paths only.
 * - `reset`: connections are accepted, and cut off as soon as a request has arrived.
 * - `hang`: requests are read and never answered.
 * - `status N`: answered with that status, 500 to 599.
 */
export type OutageMode = 'refuse' | 'reset' | 'hang' | `status ${number}`;

export interface Outage {
  /** Milliseconds after the script was started. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly mode: OutageMode;
  /** Prefix of the paths it is about; '/' by default: all. */
  readonly path?: string;
}

export interface Script {
  readonly outages: readonly Outage[];
  /** Milliseconds that every answer takes; 0 by default. */
  readonly delayMs?: number;
  /** Milliseconds after the start from which answers take that long; 0 by default. */
  readonly delayFromMs?: number;
}

const MODE = /^(?:refuse|reset|hang|status 5\d\d)$/;

/** Checks a script that came as JSON. @throws ScheduleError */
export function parseScript(json: unknown): Script {
  if (typeof json !== 'object' || json === null) throw new ScheduleError('script', json, 'an object');
  const { outages = [], delayMs = 0, delayFromMs = 0 } = json as Record<string, unknown>;
  if (!Array.isArray(outages)) throw new ScheduleError('outages', outages, 'an array');
  if (!isMilliseconds(delayMs)) throw new ScheduleError('delayMs', delayMs, 'milliseconds of at least 0');
  if (!isMilliseconds(delayFromMs))
    throw new ScheduleError('delayFromMs', delayFromMs, 'milliseconds of at least 0');
  return { outages: outages.map((outage, i) => parseOutage(outage, `outages[${i}]`)), delayMs, delayFromMs };
}

function parseOutage(json: unknown, at: string): Outage {
  if (typeof json !== 'object' || json === null) throw new ScheduleError(at, json, 'an object');
  const { fromMs, toMs, mode, path = '/' } = json as Record<string, unknown>;
  if (!isMilliseconds(fromMs)) throw new ScheduleError(`${at}.fromMs`, fromMs, 'milliseconds of at least 0');
  if (!isMilliseconds(toMs) || toMs <= fromMs)
    throw new ScheduleError(`${at}.toMs`, toMs, `more than ${fromMs}`);
  if (typeof mode !== 'string' || !MODE.test(mode))
    throw new ScheduleError(`${at}.mode`, mode, "'refuse', 'reset', 'hang' or 'status 5xx'");
  if (typeof path !== 'string' || !path.startsWith('/'))
    throw new ScheduleError(`${at}.path`, path, 'a prefix that starts with /');
  if (mode === 'refuse' && path !== '/')
    throw new ScheduleError(`${at}.path`, path, "'/' where the mode is 'refuse': a connection has no path");
  return { fromMs, toMs, mode: mode as OutageMode, path };
}

function isMilliseconds(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

/** The outage that a path is in, or undefined. `sinceStartMs` is the time since the script was started. */
export function outageOf(script: Script, path: string, sinceStartMs: number): Outage | undefined {
  return script.outages.find(
    (outage) =>
      sinceStartMs >= outage.fromMs && sinceStartMs < outage.toMs && path.startsWith(outage.path ?? '/'),
  );
}

/** Milliseconds that an answer takes. */
export function delayOf({ delayMs = 0, delayFromMs = 0 }: Script, sinceStartMs: number): number {
  return sinceStartMs >= delayFromMs ? delayMs : 0;
}

/** The HTTP status of a `status N` mode. */
export function statusOf(mode: OutageMode): number | undefined {
  return mode.startsWith('status ') ? Number(mode.slice('status '.length)) : undefined;
}
