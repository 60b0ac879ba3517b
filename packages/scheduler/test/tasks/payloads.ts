// Tasks whose arguments and results travel in other ways than the usual.
import { isSharedMemory } from './shared.ts';
import { defineTasks, jsonCodec, type Codec } from '../../src/index.ts';

export class LimitError extends RangeError {
  readonly limit: number;
  /** Its constructor can not be called with what travels. */
  constructor(limit: { readonly value: number }) {
    super(`beyond ${limit.value}`);
    this.limit = limit.value;
  }

  get isSerious(): boolean {
    return this.limit > 10;
  }
}

/** Reverses JSON: nothing else understands it. */
export const backwards: Codec = {
  encode: (value) => Buffer.from(JSON.stringify(value)).toReversed(),
  decode: (bytes) => JSON.parse(Buffer.from(bytes.toReversed()).toString()) as unknown,
};

export const payloads = defineTasks(
  import.meta.url,
  {
    exceed(value: number): never {
      throw new LimitError({ value });
    },
    failTwice(): never {
      throw new AggregateError([new LimitError({ value: 1 }), 'no error'], 'both');
    },
    async abort(): Promise<void> {
      await Promise.resolve();
      AbortSignal.abort().throwIfAborted();
    },
    sum: (bytes: Uint8Array) => bytes.reduce((sum, each) => sum + each, 0),
    isShared: (bytes: Uint8Array) => isSharedMemory(bytes),
    fill(bytes: Uint8Array): void {
      bytes.fill(7);
    },
    fillDeep({ bytes }: { readonly bytes: Uint8Array }): void {
      bytes.fill(9);
    },
    exit(_bytes: Uint8Array): void {
      process.exit(3);
    },
    bytes: (length: number) => new Uint8Array(length).fill(1),
  },
  { errors: [LimitError] },
);

export const views = defineTasks(
  import.meta.url,
  {
    isView: (bytes: ArrayBufferView) => isSharedMemory(bytes),
    /** Its own arguments, in the middle of which its result is written. */
    tail: (bytes: Uint8Array) => bytes.subarray(1),
    tailDeep: (bytes: Uint8Array) => ({ n: 1, tail: bytes.subarray(1) }),
  },
  { bytes: 'view' },
);

export const coded = defineTasks(import.meta.url, { echo: (value: unknown) => value }, { codec: backwards });
export const plain = defineTasks(
  import.meta.url,
  { echoJson: (value: unknown) => value },
  { codec: jsonCodec },
);
