// Finds what structured clone by `postMessage` knows, and by node:v8 does not: Blob, KeyObject, DOMException, URL …, of which node:v8 makes `{}` without a word.

/** Classes of the language: node:v8 clones their instances as a message does, and so those of classes that extend them. */
const LANGUAGE: ReadonlySet<unknown> = new Set(
  [
    ...[
      Object,
      Array,
      Map,
      Set,
      Date,
      RegExp,
      Boolean,
      Number,
      String,
      BigInt,
      ArrayBuffer,
      SharedArrayBuffer,
    ],
    ...[Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError],
  ].map((each) => each.prototype),
);

/** By prototype, of other classes: whether a message makes a plain object, or an instance of a class of the language, of its instances. */
const plain = new WeakMap<object, boolean>();

/** Of the objects of one value many are of the same class. Undefined between calls. */
let lastPlain: object | undefined;

/** Values on their way through `hasHostObject`; empty between calls. */
const waiting: object[] = [];

/** Of the objects that have others in them, one in so many is remembered: what costs most is to remember. */
const REMEMBERED_IN = 8;

/**
 * Whether a value is, or somewhere in it has, an object that only a message clones, or refuses. Without recursion; bytes are
 * not looked at, nor properties of arrays that are no elements.
 *
 * It ends: an object that is remembered is not entered again, and every eighth entry into one that has others in it remembers
 * another. So there are at most 8 times as many of these entries as objects, wherever they lead.
 */
export function hasHostObject(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const seen = new Set<object>();
  let entered = 0;
  try {
    waiting.push(value);
    for (let each = waiting.pop(); each !== undefined; each = waiting.pop()) {
      if (entered >= REMEMBERED_IN && seen.has(each)) continue;
      if (isHostObject(each)) return true;
      const { length } = waiting;
      pushContents(each);
      if (waiting.length > length && ++entered % REMEMBERED_IN === 0) seen.add(each);
    }
    return false;
  } catch {
    return false; // a getter: what clones it throws as well
  } finally {
    waiting.length = 0;
    lastPlain = undefined;
  }
}

function isHostObject(value: object): boolean {
  const prototype = Object.getPrototypeOf(value) as object | null;
  if (prototype === Object.prototype || prototype === Array.prototype || prototype === lastPlain)
    return false;
  if (prototype === null || LANGUAGE.has(prototype) || ArrayBuffer.isView(value)) return false;
  const known = plain.get(prototype);
  if (known === true) lastPlain = prototype;
  if (known !== undefined) return !known;
  let clone: object;
  try {
    clone = structuredClone(value);
  } catch {
    return true; // of the class, or for what this instance has in it: a message says which
  }
  const isPlain = LANGUAGE.has(Object.getPrototypeOf(clone));
  plain.set(prototype, isPlain);
  return !isPlain;
}

function pushContents(value: object): void {
  if (Object.getPrototypeOf(value) === Object.prototype) {
    pushProperties(value as Readonly<Record<string, unknown>>);
  } else if (Array.isArray(value)) {
    pushElements(value);
  } else if (value instanceof Map) {
    for (const [key, each] of value as Map<unknown, unknown>) {
      push(key);
      push(each);
    }
  } else if (value instanceof Set) {
    for (const each of value as Set<unknown>) push(each);
  } else if (value instanceof Error) {
    push(value.cause); // the only object of it that is cloned
  } else if (!ArrayBuffer.isView(value)) {
    pushProperties(value as Readonly<Record<string, unknown>>);
  }
}

/** Those that are inherited and enumerable, too: hardly anything has such, and `Object.keys` takes twice as long. */
function pushProperties(record: Readonly<Record<string, unknown>>): void {
  // oxlint-disable-next-line guard-for-in
  for (const key in record) push(record[key]);
}

function pushElements(elements: readonly unknown[]): void {
  for (let i = 0; i < elements.length; i++) {
    const each = elements[i];
    if (each === undefined && !(i in elements)) {
      for (const rest of Object.values(elements)) push(rest); // it may be of any length
      return;
    }
    push(each);
  }
}

function push(value: unknown): void {
  if (typeof value === 'object' && value !== null) waiting.push(value);
}
