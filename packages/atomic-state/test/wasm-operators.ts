// The operators of an exported function of a kernel, in the order of the code: enough of a Wasm reader to see what stands between two of them.

export interface Operator {
  /** Of the operator; prefixed ones as 0xfe00 + their number. */
  readonly code: number;
  /** Of memory accesses. */
  readonly offset: number;
}

export const LOOP = 0x03;
export const CALL = 0x10;
export const CALL_INDIRECT = 0x11;
export const I32_STORE = 0x36;
export const I32_CAS = 0xfe48;
export const I64_CAS = 0xfe49;

class Reader {
  readonly bytes: Uint8Array;
  at: number;

  constructor(bytes: Uint8Array, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }

  byte(): number {
    return this.bytes[this.at++] as number;
  }

  /** LEB128; signed ones only have to be passed over. */
  number(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.byte();
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  }

  text(): string {
    const length = this.number();
    this.at += length;
    return new TextDecoder().decode(this.bytes.subarray(this.at - length, this.at));
  }
}

function sectionsOf(wasm: Uint8Array): Map<number, Reader> {
  const found = new Map<number, Reader>();
  for (const reader = new Reader(wasm, 8); reader.at < wasm.length;) {
    const id = reader.byte();
    const length = reader.number();
    found.set(id, new Reader(wasm, reader.at));
    reader.at += length;
  }
  return found;
}

function indexOf(exports: Reader, name: string): number {
  for (let left = exports.number(); left > 0; left--) {
    const found = exports.text();
    const kind = exports.byte();
    const index = exports.number();
    if (kind === 0 && found === name) return index;
  }
  throw new Error(`no function ${name} is exported`);
}

/** @throws Error where it has an operator that this does not know */
export function operatorsOf(wasm: Uint8Array, name: string): Operator[] {
  const sections = sectionsOf(wasm);
  // A kernel imports its memory and no functions: indices count its own functions only.
  const index = indexOf(sections.get(7) as Reader, name);
  const code = sections.get(10) as Reader;
  const count = code.number();
  for (let i = 0; i < count; i++) {
    const length = code.number();
    if (i === index) return read(code, code.at + length);
    code.at += length;
  }
  throw new Error(`${name} has index ${index} of ${count}`);
}

function read(reader: Reader, end: number): Operator[] {
  for (let locals = reader.number(); locals > 0; locals--) {
    reader.number();
    reader.byte();
  }
  const operators: Operator[] = [];
  while (reader.at < end) operators.push(next(reader));
  return operators;
}

function next(reader: Reader): Operator {
  const first = reader.byte();
  if (first === 0xfe) {
    const code = 0xfe00 + reader.number();
    if (code === 0xfe03) return { code, offset: reader.byte() }; // fence
    reader.number(); // alignment
    return { code, offset: reader.number() };
  }
  if (first >= 0x28 && first <= 0x3e) {
    reader.number();
    return { code: first, offset: reader.number() };
  }
  if (first >= 0x02 && first <= 0x04) reader.byte(); // block, loop, if: their type
  else if (first === 0x0c || first === 0x0d || first === CALL) reader.number(); // br, br_if, call
  else if (first === 0x0e) for (let left = reader.number(); left >= 0; left--) reader.number(); // br_table
  else if (first >= 0x20 && first <= 0x24) reader.number(); // locals and globals
  else if (first === 0x41 || first === 0x42) reader.number(); // constants
  else if (!isPlain(first)) throw new Error(`operator 0x${first.toString(16)} is not known here`);
  return { code: first, offset: 0 };
}

/** Without immediates: unreachable, nop, else, end, return, drop, select, and all that computes with integers. */
function isPlain(code: number): boolean {
  return (
    code <= 0x01 ||
    code === 0x05 ||
    code === 0x0b ||
    code === 0x0f ||
    code === 0x1a ||
    code === 0x1b ||
    (code >= 0x45 && code <= 0xc4)
  );
}
