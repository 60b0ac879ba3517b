// A value of the moment. Each writer has its own; the metric's aggregator makes one of them.
import { ArgumentRangeError, disposed } from './errors.ts';
import { gaugeSlot } from './layout.ts';
import type { SlotHandle, SlotSource } from './slot-handle.ts';

/** Any number. It lasts as long as its writer is held: a released or reclaimed writer has no value. */
export class Gauge implements SlotHandle {
  readonly #source: SlotSource;
  readonly #words: Int32Array;
  readonly #at: number;
  #value = 0;
  #isSet = false;
  #closed = false;

  /** Made by a registry. @internal */
  constructor(source: SlotSource) {
    this.#source = source;
    // A holder before may have died with a value, if nobody reclaimed: that value is not this thread's.
    this.#words = source.open(gaugeSlot.bytes, undefined, (words) =>
      Atomics.store(words, gaugeSlot.word.isSet, 0),
    );
    this.#at = this.#words.byteOffset + gaugeSlot.offset.value;
  }

  /** @throws ArgumentRangeError where it is no number, RegistryDisposedError */
  set(value: number): void {
    if (this.#closed) disposed();
    checkNumber('value', value);
    this.#value = value;
    this.#source.floats.put(this.#at, value);
    if (this.#isSet) return;
    this.#isSet = true;
    Atomics.store(this.#words, gaugeSlot.word.isSet, 1); // publish: there is a value; pairs with readGauge
  }

  /** Changes the value of this writer, from 0 where there is none. @throws ArgumentRangeError, RegistryDisposedError */
  inc(n = 1): void {
    checkNumber('n', n);
    this.set(this.#value + n);
  }

  /** @throws ArgumentRangeError, RegistryDisposedError */
  dec(n = 1): void {
    checkNumber('n', n);
    this.set(this.#value - n);
  }

  /** Takes the value of this writer away: there is none until the next `set`, and `inc` begins with 0. @throws RegistryDisposedError */
  clear(): void {
    if (this.#closed) disposed();
    this.#value = 0;
    this.#isSet = false;
    Atomics.store(this.#words, gaugeSlot.word.isSet, 0); // pairs with readGauge
  }

  /** The values of all writers, aggregated; 0 where there is none. */
  total(): number {
    return this.#source.total();
  }

  /** @internal */
  close(): void {
    this.#closed = true;
    Atomics.store(this.#words, gaugeSlot.word.isSet, 0);
  }
}

/** A text would be put behind the value as text: 1 and '1' would be 11. */
function checkNumber(argument: string, found: unknown): void {
  if (typeof found !== 'number') throw new ArgumentRangeError(argument, found, 'a number');
}
