// The account of one inspection: what has come out, what is left of the caps, and why it ended where it ended. Readers feed it each piece
// and stop when it says so.
import { formatOf, MAGIC_BYTES, type SelfEvidentFormat } from './format.ts';
import type { Limits } from './guard-options.ts';
import type { Refusal, Refused } from './inspection.ts';

/**
 * Below this much output a ratio says nothing: a header and a handful of bytes make any, and what they can cost is a page of memory.
 * Guessed; two orders below every `maxBytes` that makes sense.
 */
const RATIO_FROM_BYTES = 65_536;

/** Something that came out and is compressed again. */
export interface Inner {
  readonly format: SelfEvidentFormat;
  readonly pieces: readonly Uint8Array[];
}

export class Tally {
  readonly limits: Limits;
  readonly #bytesIn: number;
  readonly #deadlineMs: number;
  readonly #visit: ((piece: Uint8Array) => void) | undefined;
  readonly #head = new Uint8Array(MAGIC_BYTES);
  #headBytes = 0;
  #open = false;
  #kept: Uint8Array[] = [];
  #inner: Inner[] = [];
  #depth = 1;
  #interrupt: (() => void) | undefined;
  bytesOut = 0;
  members = 0;
  nested: SelfEvidentFormat | undefined;
  refusal: Refusal | undefined;
  /** What `visit` threw, the reason of an abort, or a failure of the machine: the inspection rejects with it. */
  failure: { readonly error: unknown } | undefined;

  /** @param deadlineMs of performance.now() */
  constructor(
    limits: Limits,
    bytesIn: number,
    deadlineMs: number,
    visit: ((piece: Uint8Array) => void) | undefined,
  ) {
    this.limits = limits;
    this.#bytesIn = bytesIn;
    this.#deadlineMs = deadlineMs;
    this.#visit = visit;
  }

  get depth(): number {
    return this.#depth;
  }

  /** True once it is decided: nothing more needs to be inflated. */
  get isOver(): boolean {
    return this.refusal !== undefined || this.failure !== undefined;
  }

  /** What whoever waits for something is to be woken by when it is over. */
  onOver(wake: (() => void) | undefined): void {
    this.#interrupt = wake;
    if (this.isOver) wake?.();
  }

  /** The first refusal stands. */
  refuse(outcome: Refused, reason: string): void {
    if (this.isOver) return;
    this.refusal = { outcome, reason };
    this.#interrupt?.();
  }

  fail(error: unknown): void {
    if (this.isOver) return;
    this.failure = { error };
    this.#interrupt?.();
  }

  /** One more member. @returns false where it is over */
  member(): boolean {
    this.members++;
    const { maxMembers } = this.limits;
    if (this.members > maxMembers) this.refuse('too many members', `more than ${maxMembers} members`);
    return this.inTime();
  }

  /** @returns false where it is over */
  inTime(): boolean {
    if (performance.now() > this.#deadlineMs)
      this.refuse('too slow', `not done after ${this.limits.maxMs} ms, with ${this.bytesOut} bytes inflated`);
    return !this.isOver;
  }

  /** From here on comes something that may be compressed itself. */
  beginOutput(): void {
    this.#headBytes = 0;
    this.#open = true;
    this.#kept = [];
  }

  /** Counts a piece and shows it to the visitor, unless it is one too many. @returns false where it is over */
  take(piece: Uint8Array): boolean {
    if (this.isOver) return false;
    this.bytesOut += piece.length;
    const { maxBytes, maxRatio } = this.limits;
    if (this.bytesOut > maxBytes) {
      this.refuse('too many bytes', `more than ${maxBytes} bytes from ${this.#bytesIn}`);
    } else if (this.bytesOut >= RATIO_FROM_BYTES && this.bytesOut > maxRatio * this.#bytesIn) {
      this.refuse(
        'ratio too high',
        `${this.bytesOut} bytes so far from ${this.#bytesIn}, expected at most ${maxRatio}:1`,
      );
    }
    if (!this.inTime()) return false;
    this.#look(piece);
    if (this.#depth > 1) return true;
    try {
      this.#visit?.(piece);
    } catch (error) {
      this.fail(error);
    }
    return !this.isOver;
  }

  endOutput(): void {
    this.#open = false;
    const format = this.#innerFormat();
    if (format === undefined) return;
    if (this.#depth === this.limits.maxDepth) this.nested ??= format;
    else this.#inner.push({ format, pieces: this.#kept });
    this.#kept = [];
  }

  /** What came out of this layer and is to be inflated in turn. What comes from now on is one layer deeper. */
  descend(): readonly Inner[] {
    const inner = this.#inner;
    this.#inner = [];
    if (inner.length > 0) this.#depth++;
    return inner;
  }

  #innerFormat(): SelfEvidentFormat | undefined {
    return formatOf(this.#head.subarray(0, this.#headBytes));
  }

  /** Keeps the first bytes of an output, and all of it where it is compressed again and is to be inflated, too. */
  #look(piece: Uint8Array): void {
    if (!this.#open) return;
    if (this.#headBytes < MAGIC_BYTES) {
      const count = Math.min(MAGIC_BYTES - this.#headBytes, piece.length);
      this.#head.set(piece.subarray(0, count), this.#headBytes);
      this.#headBytes += count;
    }
    if (this.#depth === this.limits.maxDepth) return;
    // Until the magic number is whole anything may become one.
    if (this.#headBytes < MAGIC_BYTES || this.#innerFormat() !== undefined) this.#kept.push(piece);
    else if (this.#kept.length > 0) this.#kept = [];
  }
}

/** Reads a payload of one format to its end, and gives the tally what comes out. Returns early where the tally is over. */
export type Reader = (input: Uint8Array, tally: Tally) => Promise<void>;
