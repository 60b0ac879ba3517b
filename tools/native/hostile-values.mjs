// Arguments that no caller should pass: for the fuzz pass over an addon. Every value has a description, and a check that nothing around
// the memory it grants was written.

/** Numbers from 0 to 1 that every run repeats (mulberry32). */
export function random(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let word = Math.imul(state ^ (state >>> 15), 1 | state);
    word = (word + Math.imul(word ^ (word >>> 7), 61 | word)) ^ word;
    return ((word ^ (word >>> 14)) >>> 0) / 2 ** 32;
  };
}

const NUMBERS = [
  ...[
    0, -0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 31, 32, 63, 64, 127, 128, 129, 255, 1023, 1024, 4095, 4096, 4097,
    8192, 65536,
  ],
  ...[-1, -2, -8, -128, -4096, 0.5, -0.5, 1e-300, 1e308, -1e308, Number.MIN_VALUE, Number.MAX_VALUE],
  ...[
    2 ** 31 - 1,
    2 ** 31,
    -(2 ** 31),
    -(2 ** 31) - 1,
    2 ** 32 - 1,
    2 ** 32,
    2 ** 32 + 1,
    2 ** 40,
    2 ** 47,
    -(2 ** 47),
  ],
  ...[2 ** 52, 2 ** 53 - 1, 2 ** 53, -(2 ** 53), 2 ** 63, -(2 ** 63), 2 ** 64, 1e18, 1e19, 1e21],
  ...[Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
];

const OTHERS = [
  ['undefined', () => undefined],
  ['null', () => null],
  ['true', () => true],
  ["''", () => ''],
  ["'7'", () => '7'],
  ['a string of 100,000', () => 'x'.repeat(100_000)],
  ['lone surrogates', () => '\ud800\udfff\ud800'],
  ['a symbol', () => Symbol('7')],
  ['7n', () => 7n],
  ['{}', () => ({})],
  ['[7]', () => [7]],
  [
    'an object that throws as a number',
    () => ({
      valueOf: () => {
        throw new Error('no number');
      },
    }),
  ],
  ['a view in a Proxy', () => new Proxy(new Uint8Array(64), {})],
  ['an object with the prototype of a view', () => Object.create(Uint8Array.prototype)],
  ['a function', () => () => 7],
  ['a Date', () => new Date(0)],
  ['an ArrayBuffer', () => new ArrayBuffer(64)],
  ['a SharedArrayBuffer', () => new SharedArrayBuffer(64)],
];

const VIEWS = [Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array]
  .concat([Float32Array, Float64Array, BigInt64Array, BigUint64Array, DataView])
  .concat(globalThis.Float16Array ?? []);
const LENGTHS_BYTES = [0, 8, 16, 40, 48, 64, 120, 128, 136, 256, 1024, 4096, 8192];
const CANARY = 0xa5;
const PAGE_BYTES = 4096;
const none = () => undefined;

function make(View, buffer, offset, bytes) {
  return new View(buffer, offset, bytes / (View.BYTES_PER_ELEMENT ?? 1));
}

/** A view in the middle of a buffer, which is all canary: outside of the view it must stay so. */
function windowed(View, Buffer, bytes, before) {
  const buffer = new Buffer(before + bytes + 64);
  const all = new Uint8Array(buffer).fill(CANARY);
  return {
    value: make(View, buffer, before, bytes),
    description: `${View.name} of ${bytes} bytes at ${before} of ${all.length} (${Buffer.name})`,
    check() {
      const [left, right] = [all.subarray(0, before), all.subarray(before + bytes)];
      const at = [...left, ...right].findIndex((byte) => byte !== CANARY);
      return at < 0
        ? undefined
        : `byte ${at < before ? at : at + bytes} was written, outside of the view from ${before} to ${before + bytes}`;
    },
  };
}

/** @param {number[]} plausible numbers that mean something to the addon, to get past its checks */
export function hostileValues(seed, plausible) {
  const next = random(seed);
  const pick = (list) => list[Math.floor(next() * list.length)];
  // Page-aligned, as the memory functions want it. Without canaries: whole pages may be given back to the kernel.
  const pages = new WebAssembly.Memory({ initial: 4, maximum: 4, shared: true }).buffer;

  // A number after a view is often an offset or a length in it: its ends, and one beyond.
  let viewBytes = 0;
  let offset = 0;
  const number = () => {
    const kind = next();
    let value = pick(NUMBERS);
    if (kind < 0.4)
      value = pick([
        0,
        viewBytes,
        viewBytes - offset,
        viewBytes - offset,
        viewBytes - offset + 1,
        viewBytes - 8,
      ]);
    else if (kind < 0.55 && plausible.length > 0) value = pick(plausible);
    offset = value > 0 && value < viewBytes ? value : 0;
    return { value, description: String(value), check: none };
  };
  const view = (View = pick(VIEWS)) => {
    const bytes = pick(LENGTHS_BYTES);
    const kind = next();
    [viewBytes, offset] = [bytes, 0];
    if (kind < 0.3) {
      const value = make(View, new ArrayBuffer(bytes), 0, bytes);
      return { value, description: `${View.name} of ${bytes} bytes`, check: none }; // what is around it is the sanitizer's
    }
    if (kind < 0.6) {
      const before = (View === Uint8Array || View === DataView) && next() < 0.3 ? 61 : 64;
      return windowed(View, next() < 0.5 ? ArrayBuffer : SharedArrayBuffer, bytes, before);
    }
    if (kind < 0.8) {
      const at = pick([0, PAGE_BYTES, 8, 2 * PAGE_BYTES]);
      return {
        value: make(View, pages, at, bytes),
        description: `${View.name} of ${bytes} bytes at ${at} of shared pages`,
        check: none,
      };
    }
    if (kind < 0.9) {
      const value = make(View, new ArrayBuffer(bytes), 0, bytes);
      structuredClone(value.buffer, { transfer: [value.buffer] });
      return { value, description: `${View.name} of ${bytes} bytes, detached`, check: none };
    }
    const buffer = new ArrayBuffer(bytes, { maxByteLength: 16_384 });
    // Without a length it follows the buffer; with one it is out of bounds once the buffer is shorter.
    const value = next() < 0.5 ? new View(buffer) : make(View, buffer, 0, bytes);
    const after = pick([0, 8, 16_384]);
    buffer.resize(after);
    return {
      value,
      description: `${View.name} of ${bytes} bytes of a buffer resized to ${after}`,
      check: none,
    };
  };
  const other = () => {
    const [description, create] = pick(OTHERS);
    return { value: create(), description, check: none };
  };
  return {
    next,
    pick,
    any() {
      const kind = next();
      return kind < 0.5 ? number() : kind < 0.85 ? view() : other();
    },
    /** As `any`, and mostly of the type that is declared. */
    like(type) {
      if (next() < 0.1) return this.any();
      if (type.includes('⇒')) return { value: none, description: 'a function', check: none };
      return type.endsWith('Array') ? view(next() < 0.8 ? globalThis[type] : undefined) : number();
    },
  };
}
