// The only place with offsets of the demo.
import { atomic, immutable, root, struct } from '@corelane/shared-memory';

/** Eras of a breaker as its word numbers them. */
export const ERAS = 8;
/** Results that a word counts apart: calls while closed and probes while half open, each failed or delivered. */
export const COUNTS_PER_ERA = 4;

/** Followed by a page for each endpoint. */
export const wordBookRoot = root('demo/word-book', 1, {
  endpoints: immutable('i32', { doc: 'pages' }),
});

export const wordBookPage = struct(
  'demo/word-book-page',
  1,
  {
    counts: atomic(4 * ERAS * COUNTS_PER_ERA, {
      hot: 'endpoint',
      doc: 'results by era, by phase (closed, probes), by result (failed, delivered)',
      writer: 'the HTTP worker that recorded a result',
      reader: 'the supervisor, for the conservation check',
    }),
  },
  { alignBytes: 128 },
);
