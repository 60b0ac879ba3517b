// The lines that travel over the socket: JSON objects in UTF-8, one a line. Pure. PROTOCOL.md beside this has the rules.
import type { ParsedSnapshot } from '../snapshot.ts';

export const PROTOCOL_NAME = 'corelane-snapshots';
export const PROTOCOL_VERSION = 1;

/** Longest request that a server reads, in UTF-16 units. */
export const REQUEST_MAX_LENGTH = 1024;
const ID_MAX_LENGTH = 64;
/** An hour. */
export const EVERY_MAX_MS = 3_600_000;

/** The first line, from the server: who serves. */
export interface Hello {
  readonly protocol: typeof PROTOCOL_NAME;
  readonly version: number;
  readonly pid: number;
  /** Of the thread that serves; 0 is the main thread. */
  readonly threadId: number;
  /** `process.title`; where the program has set none, `node` and the program with its folder. */
  readonly title: string;
  /** `process.version` */
  readonly node: string;
  /** When the process was started, in milliseconds since 1970. */
  readonly startedAtMs: number;
  /** Snapshots are not taken more often than this; subscriptions that want them more often are refused. */
  readonly minIntervalMs: number;
}

export type RequestId = string | number;

export type Request =
  /** One snapshot, taken after the request. */
  | { readonly kind: 'get'; readonly id: RequestId | undefined }
  /** One at once and then one each so many milliseconds, in place of an earlier subscription; 0 ends it. */
  | { readonly kind: 'every'; readonly everyMs: number; readonly id: RequestId | undefined };

export type ParsedRequest =
  | Request
  /** Well-formed, but nothing that this version knows: answered with an error. */
  | { readonly kind: 'refused'; readonly id: RequestId | undefined; readonly why: string }
  /** Not of this protocol: the connection ends. */
  | { readonly kind: 'foreign'; readonly why: string };

/** A message of the server after its hello, as the client sees it. */
export type Message =
  | { readonly kind: 'snapshot'; readonly id: RequestId | undefined; readonly snapshot: ParsedSnapshot }
  | { readonly kind: 'update'; readonly everyMs: number; readonly snapshot: ParsedSnapshot | undefined }
  | {
      readonly kind: 'error';
      readonly id: RequestId | undefined;
      readonly code: string;
      readonly message: string;
    }
  /** The server stops serving: what follows is the end of the connection. */
  | { readonly kind: 'bye' };

export function parseRequest(line: string): ParsedRequest {
  const found = parseObject(line);
  if (found === undefined) return { kind: 'foreign', why: 'a line that is not a JSON object' };
  const { id } = found;
  if (!isId(id))
    return { kind: 'foreign', why: `an id that is not a number or up to ${ID_MAX_LENGTH} characters` };
  if (found['get'] === 'snapshot') return { kind: 'get', id };
  if ('every' in found) {
    const everyMs = found['every'];
    if (typeof everyMs === 'number' && everyMs >= 0 && everyMs <= EVERY_MAX_MS)
      return { kind: 'every', everyMs, id };
    return { kind: 'refused', id, why: `every is not a number from 0 to ${EVERY_MAX_MS}` };
  }
  return { kind: 'refused', id, why: `a request that version ${PROTOCOL_VERSION} does not know` };
}

/** Undefined where it is not a hello of this protocol; its `version` may be another one. */
export function parseHello(line: string): Hello | undefined {
  const found = parseObject(line);
  if (found?.['protocol'] !== PROTOCOL_NAME) return undefined;
  const { version, pid, threadId, title, node, startedAtMs, minIntervalMs } = found;
  const numbers = [version, pid, threadId, startedAtMs, minIntervalMs];
  if (!numbers.every(Number.isFinite) || typeof title !== 'string' || typeof node !== 'string')
    return undefined;
  return found as unknown as Hello;
}

/** Undefined where it is no message of this protocol. */
export function parseMessage(line: string): Message | undefined {
  const found = parseObject(line);
  if (found === undefined) return undefined;
  const { id, every, snapshot, error, bye } = found;
  if (!isId(id) || (snapshot !== undefined && !isSnapshot(snapshot))) return undefined;
  if (bye !== undefined) return { kind: 'bye' };
  if (error !== undefined) {
    const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
    if (typeof code !== 'string' || typeof message !== 'string') return undefined;
    return { kind: 'error', id, code, message };
  }
  if (typeof every === 'number') return { kind: 'update', everyMs: every, snapshot };
  return snapshot === undefined ? undefined : { kind: 'snapshot', id, snapshot };
}

/** What readers of a snapshot may count on: metrics with names, types and series. The figures are what the other process says. */
function isSnapshot(value: unknown): value is ParsedSnapshot {
  const { takenAtMs, writers, metrics } = (value ?? {}) as Record<string, unknown>;
  return (
    Number.isFinite(takenAtMs) &&
    Array.isArray(writers) &&
    Array.isArray(metrics) &&
    metrics.every((metric: unknown) => {
      const { name, type, series } = (metric ?? {}) as Record<string, unknown>;
      return typeof name === 'string' && typeof type === 'string' && Array.isArray(series);
    })
  );
}

function isId(id: unknown): id is RequestId | undefined {
  return id === undefined || Number.isFinite(id) || (typeof id === 'string' && id.length <= ID_MAX_LENGTH);
}

function parseObject(line: string): Record<string, unknown> | undefined {
  try {
    const found: unknown = JSON.parse(line);
    return typeof found === 'object' && found !== null && !Array.isArray(found)
      ? (found as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
