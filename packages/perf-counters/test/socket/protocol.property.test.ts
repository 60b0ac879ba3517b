import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LineSplitter } from '../../src/socket/line-splitter.ts';
import {
  EVERY_MAX_MS,
  parseHello,
  parseMessage,
  parseRequest,
  REQUEST_MAX_LENGTH,
} from '../../src/socket/protocol.ts';

/** Lines that are near to the protocol, and lines that are far from it. */
const anyLine = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.json(),
  fc
    .record(
      {
        id: fc.anything(),
        get: fc.constantFrom('snapshot', 1, null),
        every: fc.anything(),
        error: fc.anything(),
        snapshot: fc.anything(),
        protocol: fc.constantFrom('corelane-snapshots', 'other'),
        version: fc.anything(),
      },
      { requiredKeys: [] },
    )
    .map((value) => JSON.stringify(value)),
);

test('no line makes a parser throw, and what a request asks for is within its range', () => {
  fc.assert(
    fc.property(anyLine, (line) => {
      parseHello(line);
      parseMessage(line);
      const request = parseRequest(line);
      if (request.kind === 'every')
        expect(request.everyMs >= 0 && request.everyMs <= EVERY_MAX_MS).toBe(true);
      if (request.kind !== 'foreign') expect(typeof JSON.parse(line)).toBe('object');
    }),
  );
});

test('a text gives the same lines in whatever pieces it comes', () => {
  const pieces = fc.array(fc.string({ unit: fc.constantFrom('a', 'ü', '\n') }));
  fc.assert(
    fc.property(pieces, (texts) => {
      const splitter = new LineSplitter(1 << 20);
      const lines = texts.flatMap((text) => splitter.push(text) as string[]);
      expect(lines).toEqual(texts.join('').split('\n').slice(0, -1));
    }),
  );
});

test('a line may be as long as the limit and no longer, whether its end has come or not', () => {
  const longest = 'x'.repeat(REQUEST_MAX_LENGTH);
  expect(new LineSplitter(REQUEST_MAX_LENGTH).push(`${longest}\n${longest}`)).toEqual([longest]);
  expect(new LineSplitter(REQUEST_MAX_LENGTH).push(`${longest}x`)).toBeUndefined();
  const inPieces = new LineSplitter(REQUEST_MAX_LENGTH);
  expect(inPieces.push(longest)).toEqual([]);
  expect(inPieces.push('x\n')).toBeUndefined();
});
