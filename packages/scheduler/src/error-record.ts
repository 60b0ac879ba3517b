// Errors on their way from a worker to a client: class, message, stack, code, own properties and causes.
import { deserialize, serialize } from 'node:v8';
import * as own from './errors.ts';

interface ErrorRecord {
  readonly name: string;
  readonly message: string;
  readonly stack: string;
  readonly properties: Readonly<Record<string, unknown>>;
  readonly hasCause: boolean;
  /** A record where `causeIsError`. */
  readonly cause: unknown;
  readonly causeIsError: boolean;
}

const MAX_CAUSES = 8;
const STANDARD = { Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError };
const OWN: readonly (abstract new (...args: never[]) => Error)[] = [
  own.NotCloneableError,
  own.PayloadTooLargeError,
  own.TaskNotFoundError,
  own.CorruptSlotError,
  own.WorkerLostError,
  own.SchedulerClosedError,
];

/** At most `limitBytes`: what does not fit goes, the stack of causes first, then causes and properties, stack, message. */
export function encodeError(error: Error, limitBytes: number): Uint8Array {
  const full = recordOf(error, MAX_CAUSES);
  const alone = { ...full, hasCause: false, cause: undefined, causeIsError: false };
  const bare = { ...alone, properties: plainOnly(full.properties) };
  for (const record of [full, alone, bare]) {
    const bytes = tryEncode(record);
    if (bytes !== undefined && bytes.length <= limitBytes) return bytes;
  }
  for (let room = limitBytes >> 2; ; room >>= 1) {
    const short = {
      ...bare,
      name: cut(bare.name, room),
      message: cut(bare.message, room),
      stack: cut(bare.stack, room),
    };
    const bytes = serialize(room < 64 ? { ...short, properties: {} } : short);
    if (bytes.length <= limitBytes) return bytes;
  }
}

export function decodeError(bytes: Uint8Array): Error {
  const record: unknown = deserialize(bytes);
  if (typeof record !== 'object' || record === null || !('stack' in record))
    throw new TypeError('not the record of an error');
  return errorOf(record as ErrorRecord);
}

function recordOf(error: Error, causes: number): ErrorRecord {
  const { cause } = error;
  const causeIsError = cause instanceof Error && causes > 0;
  const {
    name: _name,
    message: _message,
    stack: _stack,
    cause: _cause,
    ...properties
  } = error as Error & Record<string, unknown>;
  // Getters of a prototype (DOMException, some of Node's errors) are not among the own properties.
  const code = (error as { code?: unknown }).code;
  return {
    name: text(error.name),
    message: text(error.message),
    stack: text(error.stack),
    properties: code === undefined ? properties : { ...properties, code },
    hasCause: 'cause' in error,
    cause: causeIsError ? recordOf(cause, causes - 1) : cause,
    causeIsError,
  };
}

function tryEncode(record: ErrorRecord): Uint8Array | undefined {
  try {
    return serialize(record);
  } catch {
    return undefined; // a property or a cause that cannot be cloned
  }
}

function errorOf(record: ErrorRecord): Error {
  const cause = record.causeIsError ? errorOf(record.cause as ErrorRecord) : record.cause;
  const Standard = Object.hasOwn(STANDARD, record.name)
    ? STANDARD[record.name as keyof typeof STANDARD]
    : Error;
  const error = new Standard(record.message, record.hasCause ? { cause } : undefined);
  const Own = OWN.find(({ name }) => name === record.name);
  if (Own !== undefined) Object.setPrototypeOf(error, Own.prototype as object);
  Object.assign(error, record.properties);
  const hidden = { writable: true, configurable: true, enumerable: false };
  Object.defineProperty(error, 'stack', { ...hidden, value: record.stack });
  if (error.name !== record.name) Object.defineProperty(error, 'name', { ...hidden, value: record.name });
  return error;
}

function plainOnly(properties: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(properties).filter(
      ([, value]) =>
        typeof value === 'number' ||
        typeof value === 'boolean' ||
        (typeof value === 'string' && value.length <= 64),
    ),
  );
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : String(value);
}

function cut(value: string, length: number): string {
  return value.length <= length ? value : `${value.slice(0, Math.max(0, length - 1))}…`;
}
