// Errors on their way from a worker to a client: class, message, stack, code, own properties, causes, and errors of an AggregateError.
//
// A class is found by the name of the error's constructor, among those of the task (option `errors` of `defineTasks`), this package's and the
// standard ones; else by the error's name among the standard ones. Its constructor is not called, since nobody knows with what.
import * as own from './errors.ts';
import { nodeV8 } from './node-v8.ts';

/** A class of errors, whatever its constructor takes. */
export type ErrorClass = abstract new (...args: never[]) => Error;

interface ErrorRecord {
  /** Name of its constructor. */
  readonly className: string;
  readonly name: string;
  readonly message: string;
  readonly stack: string;
  readonly properties: Readonly<Record<string, unknown>>;
  readonly hasCause: boolean;
  /** A record where `causeIsError`. */
  readonly cause: unknown;
  readonly causeIsError: boolean;
  /** Of an AggregateError: records where it is in `areErrors`. */
  readonly errors: readonly unknown[] | undefined;
  readonly areErrors: readonly boolean[];
}

const MAX_CAUSES = 8;
/** Characters of the names of an error that are cut off last of all. */
const NAME_ROOM = 32;
const STANDARD = { Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError };
const OWN: readonly ErrorClass[] = [
  ...Object.values(own),
  AggregateError,
  ...(Object.values(STANDARD) as ErrorClass[]),
];

/** At most `limitBytes`: what does not fit goes, the stack of causes first, then causes and properties, stack, message; class and code last. */
export function encodeError(error: Error, limitBytes: number): Uint8Array {
  const full = recordOf(error, MAX_CAUSES);
  const none = { hasCause: false, cause: undefined, causeIsError: false, errors: undefined, areErrors: [] };
  const alone = { ...full, ...none };
  const bare = { ...alone, properties: plainOnly(full.properties) };
  for (const record of [full, alone, bare]) {
    const bytes = tryEncode(record);
    if (bytes !== undefined && bytes.length <= limitBytes) return bytes;
  }
  for (let room = limitBytes >> 2; ; room >>= 1) {
    // What it is comes last: whoever catches it looks at its class and its code.
    const nameRoom = room === 0 ? 0 : Math.max(room, NAME_ROOM);
    const short = {
      ...bare,
      className: cut(bare.className, nameRoom),
      name: cut(bare.name, nameRoom),
      message: cut(bare.message, room),
      stack: cut(bare.stack, room >> 1),
      properties: room >= NAME_ROOM ? bare.properties : room === 0 ? {} : codeOnly(bare.properties),
    };
    const bytes = nodeV8().serialize(short);
    if (bytes.length <= limitBytes) return bytes;
  }
}

/** @param classes of the task */
export function decodeError(bytes: Uint8Array, classes: readonly ErrorClass[] = []): Error {
  const record: unknown = nodeV8().deserialize(bytes);
  if (typeof record !== 'object' || record === null || !('stack' in record))
    throw new TypeError('not the record of an error');
  return errorOf(record as ErrorRecord, classes);
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
  const errors = error instanceof AggregateError && causes > 0 ? (error.errors as unknown[]) : undefined;
  const areErrors = errors?.map((each) => each instanceof Error) ?? [];
  return {
    className: text(error.constructor?.name),
    name: text(error.name),
    message: text(error.message),
    stack: text(error.stack),
    properties: code === undefined ? properties : { ...properties, code },
    hasCause: 'cause' in error,
    cause: causeIsError ? recordOf(cause, causes - 1) : cause,
    causeIsError,
    errors: errors?.map((each, i) => (areErrors[i] === true ? recordOf(each as Error, causes - 1) : each)),
    areErrors,
  };
}

function tryEncode(record: ErrorRecord): Uint8Array | undefined {
  try {
    return nodeV8().serialize(record);
  } catch {
    return undefined; // a property or a cause that cannot be cloned
  }
}

function errorOf(record: ErrorRecord, classes: readonly ErrorClass[]): Error {
  const cause = record.causeIsError ? errorOf(record.cause as ErrorRecord, classes) : record.cause;
  const options = record.hasCause ? { cause } : undefined;
  const { className, name, message, stack, properties } = record;
  if (className === 'DOMException') return domExceptionOf(record, options);
  const Standard = Object.hasOwn(STANDARD, name) ? STANDARD[name as keyof typeof STANDARD] : Error;
  const error = new Standard(message, options);
  const Class = [...classes, ...OWN].find((each) => each.name === className);
  if (Class !== undefined) Object.setPrototypeOf(error, Class.prototype as object);
  Object.assign(error, properties);
  const hidden = { writable: true, configurable: true, enumerable: false };
  const errors = record.errors?.map((each, i) =>
    record.areErrors[i] === true ? errorOf(each as ErrorRecord, classes) : each,
  );
  if (errors !== undefined) Object.defineProperty(error, 'errors', { ...hidden, value: errors });
  Object.defineProperty(error, 'stack', { ...hidden, value: stack });
  if (error.name !== name) Object.defineProperty(error, 'name', { ...hidden, value: name });
  return error;
}

/** Its code follows from its name, and its properties are those of its prototype. */
function domExceptionOf({ name, message, stack }: ErrorRecord, options: ErrorOptions | undefined): Error {
  // An object as the second parameter, as Node has it from 22 on, is not in the types.
  const second = (options === undefined ? name : { name, ...options }) as string;
  const error = new DOMException(message, second);
  Object.defineProperty(error, 'stack', { writable: true, configurable: true, value: stack });
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

function codeOnly({ code }: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return code === undefined ? {} : { code };
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : String(value);
}

function cut(value: string, length: number): string {
  return value.length <= length ? value : `${value.slice(0, Math.max(0, length - 1))}…`;
}
