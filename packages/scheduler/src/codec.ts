// How values travel that have no form of their own in a slot: chosen for a task or for all of a scheduler.
import { ArgumentRangeError } from '@corelane/shared-memory';
import { moduleUrl } from './module-url.ts';
import { nodeV8 } from './node-v8.ts';

/** Turns values into bytes and back, on two threads. `msgpackr`, `cbor-x` and their like are one in two lines. */
export interface Codec {
  /** Bytes of a value; they are copied before this is called again. */
  encode(value: unknown): Uint8Array;
  /** The bytes are its own. */
  decode(bytes: Uint8Array): unknown;
  /** URL of the module whose default export it is: how workers find the codec of a scheduler. That of a task needs none. */
  readonly module?: string;
}

/** What `JSON.stringify` makes of a value, whether or not that is all of it: a date arrives as a string. */
export const jsonCodec: Codec = Object.freeze({
  encode: (value: unknown) => Buffer.from(JSON.stringify(value) ?? '', 'utf8'),
  decode: (bytes: Uint8Array) => JSON.parse(Buffer.from(bytes).toString('utf8')) as unknown,
  module: 'json',
});

/** Structured clone by `v8.serialize`, without a look whether JSON would do. */
export const cloneCodec: Codec = Object.freeze({
  encode: (value: unknown) => nodeV8().serialize(value),
  decode: (bytes: Uint8Array) => nodeV8().deserialize(bytes) as unknown,
  module: 'clone',
});

/**
 * A codec for all of a scheduler: the module must export it as its default.
 * @param module `import.meta.url`; in CommonJS `__filename`
 * @throws ArgumentRangeError
 */
export function defineCodec(module: string | URL, codec: Codec): Codec {
  return Object.freeze({ ...checkCodec(codec), module: moduleUrl(module) });
}

/** @throws ArgumentRangeError */
export function checkCodec(codec: unknown): Codec {
  const { encode, decode } = (codec ?? {}) as Partial<Codec>;
  if (typeof encode !== 'function' || typeof decode !== 'function')
    throw new ArgumentRangeError('codec', codec, 'an object with functions encode and decode');
  return codec as Codec;
}

/** What another thread loads the codec by. @throws ArgumentRangeError */
export function codecModule(codec: Codec | undefined): string | undefined {
  if (codec === undefined) return undefined;
  const { module } = checkCodec(codec);
  if (module === undefined)
    throw new ArgumentRangeError('codec.module', module, 'the URL of its module: use defineCodec');
  return module;
}

/** In a worker. @throws TypeError where the module has no codec */
export async function loadCodec(module: string | undefined): Promise<Codec | undefined> {
  if (module === undefined) return undefined;
  if (module === jsonCodec.module) return jsonCodec;
  if (module === cloneCodec.module) return cloneCodec;
  const { default: codec } = (await import(module)) as { default?: unknown };
  try {
    return checkCodec(codec);
  } catch (cause) {
    throw new TypeError(`${module} has no default export with functions encode and decode`, { cause });
  }
}
