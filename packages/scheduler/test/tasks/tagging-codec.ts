// A codec for all of a scheduler: says that it was there.
import { defineCodec } from '../../src/index.ts';

export default defineCodec(import.meta.url, {
  encode: (value) => Buffer.from(JSON.stringify({ tagged: value })),
  decode: (bytes) => ({ ...(JSON.parse(Buffer.from(bytes).toString()) as object), decoded: true }),
});
