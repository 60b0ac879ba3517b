// What each function of the atomics seam does to the model memory. One operation is one atomic step.
// The twin names operations, the search applies them; nothing else in this folder knows their semantics.

/** Operation codes; their order is that of the tables below. */
export const Op = {
  load: 0,
  store: 1,
  add: 2,
  sub: 3,
  and: 4,
  or: 5,
  exchange: 6,
  compareExchange: 7,
  get: 8,
  set: 9,
  load64: 10,
  compareExchange64: 11,
  wait: 12,
  notify: 13,
} as const;

export const NAMES: readonly string[] = Object.keys(Op);

/** Bytes that the operation accesses. */
export const size = (op: number): number => (op === Op.load64 || op === Op.compareExchange64 ? 8 : 4);
export const isPlain = (op: number): boolean => op === Op.get || op === Op.set;
/** May change the word. A compare-and-exchange counts whether or not it succeeds. */
export const writes = (op: number): boolean =>
  (op >= Op.store && op <= Op.compareExchange) || op === Op.set || op === Op.compareExchange64;
/** Looks at the word. `notify` touches only the queue of parked threads. */
export const reads = (op: number): boolean => op !== Op.store && op !== Op.set && op !== Op.notify;

/** One access, as a kernel asked for it. The meaning of a…d depends on the operation: see `twin.ts`. */
export interface Access {
  op: number;
  /** Byte address. */
  at: number;
  a: number;
  b: number;
  c: number;
  d: number;
}

/** What an access gave back: its result, and for 64-bit operations the halves that it observed. */
export interface Outcome {
  result: number;
  low: number;
  high: number;
  /** The word (or both halves) after the access. */
  nextLow: number;
  nextHigh: number;
}

/** Applies anything but `wait` and `notify` to a word that holds `low` (and `high`, where it has 64 bits). */
export function apply(access: Access, low: number, high: number, out: Outcome): void {
  const { a, b } = access;
  out.result = out.low = out.nextLow = low;
  out.high = out.nextHigh = high;
  switch (access.op) {
    case Op.store:
    case Op.set:
      out.result = 0;
      out.nextLow = a;
      break;
    case Op.add:
      out.nextLow = (low + a) | 0;
      break;
    case Op.sub:
      out.nextLow = (low - a) | 0;
      break;
    case Op.and:
      out.nextLow = low & a;
      break;
    case Op.or:
      out.nextLow = low | a;
      break;
    case Op.exchange:
      out.nextLow = a;
      break;
    case Op.compareExchange:
      if (low === a) out.nextLow = b;
      break;
    case Op.load64:
      out.result = 0;
      break;
    case Op.compareExchange64:
      out.result = low === a && high === b ? 1 : 0;
      if (out.result === 1) {
        out.nextLow = access.c;
        out.nextHigh = access.d;
      }
      break;
    default: // load, get: the word stays
  }
}

/** Why the access can not be made in an arena of `bytes` bytes, else undefined. */
export function misplaced(access: Access, bytes: number): string | undefined {
  const { at, op } = access;
  const need = size(op);
  if (!Number.isInteger(at)) return `${NAMES[op]!} at ${at}: not a byte address`;
  if (at < 0 || at + need > bytes)
    return `${NAMES[op]!} of ${need} bytes at ${at}, the memory has ${bytes} bytes`;
  if (at % need !== 0) return `${NAMES[op]!} at ${at}: expected a multiple of ${need}`;
  return undefined;
}
