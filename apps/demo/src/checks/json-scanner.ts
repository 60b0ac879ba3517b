// A JSON validator (RFC 8259) on bytes that may come in pieces: one pass, no recursion, no tree. The nesting is a bit a level, so
// that `[[[[…` costs nothing but its bytes and ends at the limit. JSON.parse would build the whole tree before anything could be said
// about it, and cannot be fed an inflating stream.
//
// On its way it picks up the string at `repository.full_name`, the one name inside a payload that the gateway uses.

/** What is known after a piece. */
export type ScanOutcome = 'more' | 'malformed' | 'too deep';

const Expect = { Value: 0, ValueOrEnd: 1, KeyOrEnd: 2, Key: 3, Colon: 4, CommaOrEnd: 5, Nothing: 6 } as const;
const Lex = { Between: 0, Text: 1, Escape: 2, Hex: 3, Utf8: 4, Literal: 5, Number: 6 } as const;
/** Parts of a number. It may end after those in ENDS. */
const Num = { Minus: 0, Zero: 1, Integer: 2, Point: 3, Fraction: 4, Exponent: 5, Sign: 6, Power: 7 } as const;
const ENDS = (1 << Num.Zero) | (1 << Num.Integer) | (1 << Num.Fraction) | (1 << Num.Power);

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const LITERALS = { 0x74: bytesOf('true'), 0x66: bytesOf('false'), 0x6e: bytesOf('null') } as const;
/** Longer names cannot pass the identifier check; a text beyond this is cut and refused there. */
const CAPTURE_BYTES = 256;

export class JsonScanner {
  readonly #maxDepth: number;
  /** A bit a level: 1 where it is an object. */
  readonly #objects: Uint8Array;
  readonly #captured = new Uint8Array(CAPTURE_BYTES);
  #capturedBytes = 0;
  #capturedAll = true;
  #depth = 0;
  #deepest = 0;
  #expect: number = Expect.Value;
  #lex: number = Lex.Between;
  #isKey = false;
  #capturing = false;
  /** Hex digits of `\uXXXX`, or continuation bytes, that are still to come. */
  #left = 0;
  #utf8Low = 0x80;
  #utf8High = 0xbf;
  #literal: Uint8Array = LITERALS[0x74];
  #literalAt = 0;
  #number: number = Num.Minus;
  #inRepository = false;
  #atFullName = false;
  #repository: string | undefined;
  #failure: 'malformed' | 'too deep' | undefined;

  /** @param maxDepth levels of arrays and objects at most */
  constructor(maxDepth: number) {
    this.#maxDepth = maxDepth;
    this.#objects = new Uint8Array(maxDepth + 1);
  }

  /** Levels of arrays and objects seen. */
  get deepest(): number {
    return this.#deepest;
  }

  /** The text at `repository.full_name`, where there was one; longer than any valid name where it was too long to keep. */
  get repository(): string | undefined {
    return this.#repository;
  }

  /** Takes the next piece. After a failure it stays failed. */
  push(piece: Uint8Array): ScanOutcome {
    for (let i = 0; i < piece.length && this.#failure === undefined; i++) {
      if (this.#lex === Lex.Text && !this.#capturing) i = skipText(piece, i);
      if (i < piece.length) this.#take(piece[i] as number);
    }
    return this.#failure ?? 'more';
  }

  /** The end of the input: 'complete' where it was one JSON text. */
  end(): 'complete' | 'malformed' | 'too deep' {
    if (this.#failure !== undefined) return this.#failure;
    if (this.#lex === Lex.Number && ((ENDS >> this.#number) & 1) === 1) this.#endValue();
    return this.#lex === Lex.Between && this.#expect === Expect.Nothing ? 'complete' : 'malformed';
  }

  #take(byte: number): void {
    switch (this.#lex) {
      case Lex.Between:
        this.#between(byte);
        break;
      case Lex.Text:
        this.#text(byte);
        break;
      case Lex.Escape:
        this.#escape(byte);
        break;
      case Lex.Hex:
        if (!isHex(byte)) this.#fail();
        this.#capture(byte);
        if (--this.#left === 0) this.#lex = Lex.Text;
        break;
      case Lex.Utf8:
        this.#continuation(byte);
        break;
      case Lex.Literal:
        if (byte !== this.#literal[this.#literalAt]) this.#fail();
        else if (++this.#literalAt === this.#literal.length) this.#endValue();
        break;
      default:
        this.#inNumber(byte);
    }
  }

  #between(byte: number): void {
    if (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) return;
    const expect = this.#expect;
    if (expect === Expect.Colon) {
      if (byte === 0x3a) this.#expect = Expect.Value;
      else this.#fail();
    } else if (expect === Expect.CommaOrEnd) {
      this.#afterValue(byte);
    } else if (expect === Expect.Key || expect === Expect.KeyOrEnd) {
      if (byte === QUOTE) this.#beginText(true);
      else if (byte === 0x7d && expect === Expect.KeyOrEnd) this.#close();
      else this.#fail();
    } else if (expect === Expect.Nothing) {
      this.#fail();
    } else if (byte === 0x5d && expect === Expect.ValueOrEnd) {
      this.#close();
    } else {
      this.#beginValue(byte);
    }
  }

  #afterValue(byte: number): void {
    const inObject = this.#objects[this.#depth] === 1;
    if (byte === 0x2c) this.#expect = inObject ? Expect.Key : Expect.Value;
    else if (byte === (inObject ? 0x7d : 0x5d)) this.#close();
    else this.#fail();
  }

  #beginValue(byte: number): void {
    if (byte === QUOTE) {
      this.#beginText(false);
    } else if (byte === 0x7b || byte === 0x5b) {
      this.#open(byte === 0x7b);
    } else if (byte === 0x74 || byte === 0x66 || byte === 0x6e) {
      this.#lex = Lex.Literal;
      this.#literal = LITERALS[byte];
      this.#literalAt = 1;
    } else if (byte === 0x2d || isDigit(byte)) {
      this.#lex = Lex.Number;
      this.#number = byte === 0x2d ? Num.Minus : byte === 0x30 ? Num.Zero : Num.Integer;
    } else {
      this.#fail();
    }
  }

  #open(isObject: boolean): void {
    if (this.#depth === this.#maxDepth) {
      this.#failure = 'too deep';
      return;
    }
    if (++this.#depth > this.#deepest) this.#deepest = this.#depth;
    this.#objects[this.#depth] = isObject ? 1 : 0;
    if (this.#depth > 2 || !isObject) this.#atFullName = false;
    this.#expect = isObject ? Expect.KeyOrEnd : Expect.ValueOrEnd;
  }

  #close(): void {
    this.#depth--;
    this.#endValue();
  }

  #endValue(): void {
    this.#lex = Lex.Between;
    this.#expect = this.#depth === 0 ? Expect.Nothing : Expect.CommaOrEnd;
  }

  #beginText(isKey: boolean): void {
    this.#lex = Lex.Text;
    this.#isKey = isKey;
    // Only these two levels can hold the name; elsewhere text is skipped over.
    this.#capturing = isKey
      ? this.#depth === 1 || (this.#depth === 2 && this.#inRepository)
      : this.#wantsValue();
    this.#capturedBytes = 0;
    this.#capturedAll = true;
  }

  #wantsValue(): boolean {
    return this.#depth === 2 && this.#inRepository && this.#atFullName && this.#objects[2] === 1;
  }

  #text(byte: number): void {
    if (byte === QUOTE) {
      this.#endText();
      return;
    }
    if (byte < 0x20) {
      this.#fail();
      return;
    }
    this.#capture(byte);
    if (byte === BACKSLASH) this.#lex = Lex.Escape;
    else if (byte >= 0x80) this.#leadByte(byte);
  }

  #endText(): void {
    if (!this.#isKey) {
      if (this.#capturing) this.#repository = this.#decoded();
      this.#endValue();
      return;
    }
    this.#lex = Lex.Between;
    this.#expect = Expect.Colon;
    if (this.#depth === 1) {
      this.#inRepository = this.#decoded() === 'repository' && this.#objects[1] === 1;
      this.#atFullName = false;
      // Of a key that comes twice the last one counts, for readers of the payload and so here.
      if (this.#inRepository) this.#repository = undefined;
    } else if (this.#depth === 2) {
      this.#atFullName = this.#inRepository && this.#decoded() === 'full_name';
      if (this.#atFullName) this.#repository = undefined;
    }
  }

  #escape(byte: number): void {
    this.#capture(byte);
    this.#lex = Lex.Text;
    if (byte === 0x75) {
      this.#lex = Lex.Hex;
      this.#left = 4;
    } else if (!isEscapable(byte)) {
      this.#fail();
    }
  }

  /** The first byte of a UTF-8 sequence: how many follow, and the range of the second, which excludes overlong forms and surrogates. */
  #leadByte(byte: number): void {
    this.#lex = Lex.Utf8;
    this.#utf8Low = byte === 0xe0 ? 0xa0 : byte === 0xf0 ? 0x90 : 0x80;
    this.#utf8High = byte === 0xed ? 0x9f : byte === 0xf4 ? 0x8f : 0xbf;
    if (byte >= 0xc2 && byte <= 0xdf) this.#left = 1;
    else if (byte >= 0xe0 && byte <= 0xef) this.#left = 2;
    else if (byte >= 0xf0 && byte <= 0xf4) this.#left = 3;
    else this.#fail();
  }

  #continuation(byte: number): void {
    if (byte < this.#utf8Low || byte > this.#utf8High) this.#fail();
    this.#capture(byte);
    this.#utf8Low = 0x80;
    this.#utf8High = 0xbf;
    if (--this.#left === 0) this.#lex = Lex.Text;
  }

  #inNumber(byte: number): void {
    const next = nextNumberPart(this.#number, byte);
    if (next >= 0) {
      this.#number = next;
    } else if (((ENDS >> this.#number) & 1) === 1) {
      this.#endValue();
      this.#between(byte);
    } else {
      this.#fail();
    }
  }

  #capture(byte: number): void {
    if (!this.#capturing) return;
    if (this.#capturedBytes < CAPTURE_BYTES) this.#captured[this.#capturedBytes++] = byte;
    else this.#capturedAll = false;
  }

  /** The text as its reader will see it: a name spelt with escapes is the same name. */
  #decoded(): string {
    const raw = Buffer.from(this.#captured.buffer, 0, this.#capturedBytes).toString('utf8');
    if (!this.#capturedAll) return raw;
    return raw.includes('\\') ? (JSON.parse(`"${raw}"`) as string) : raw;
  }

  #fail(): void {
    this.#failure ??= 'malformed';
  }
}

/** Steps over bytes of a text that mean nothing: printable ASCII but `"` and `\`. */
function skipText(piece: Uint8Array, from: number): number {
  let i = from;
  for (; i < piece.length; i++) {
    const byte = piece[i] as number;
    if (byte === QUOTE || byte === BACKSLASH || byte < 0x20 || byte >= 0x80) break;
  }
  return i;
}

/** The part of a number that a byte leads to from another part, or -1. */
function nextNumberPart(part: number, byte: number): number {
  if (isDigit(byte)) {
    if (part === Num.Minus) return byte === 0x30 ? Num.Zero : Num.Integer;
    if (part === Num.Point || part === Num.Fraction) return Num.Fraction;
    if (part === Num.Exponent || part === Num.Sign || part === Num.Power) return Num.Power;
    return part === Num.Integer ? Num.Integer : -1;
  }
  if (byte === 0x2e) return part === Num.Zero || part === Num.Integer ? Num.Point : -1;
  if (byte === 0x65 || byte === 0x45)
    return part === Num.Zero || part === Num.Integer || part === Num.Fraction ? Num.Exponent : -1;
  if (byte === 0x2b || byte === 0x2d) return part === Num.Exponent ? Num.Sign : -1;
  return -1;
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

function isHex(byte: number): boolean {
  return isDigit(byte) || (byte >= 0x41 && byte <= 0x46) || (byte >= 0x61 && byte <= 0x66);
}

function isEscapable(byte: number): boolean {
  // " \ / b f n r t
  return (
    byte === QUOTE ||
    byte === BACKSLASH ||
    byte === 0x2f ||
    byte === 0x62 ||
    byte === 0x66 ||
    byte === 0x6e ||
    byte === 0x72 ||
    byte === 0x74
  );
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
