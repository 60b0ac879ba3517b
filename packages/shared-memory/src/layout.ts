// The only place with offsets in this package.
import { atomic, immutable, root } from './struct.ts';

/** First word of every object in an arena: "CLn1". */
export const OBJECT_MAGIC = 0x316e4c43;

/** At address 0 of every arena. */
export const arenaRoot = root('shared-memory/arena', 1, {
  totalBytes: immutable('i32', { doc: 'size of the whole memory' }),
  top: atomic('i32', {
    line: true,
    hot: 'top',
    doc: 'first free byte; only grows',
    writer: 'any thread that allocates',
    reader: 'any thread',
  }),
});
