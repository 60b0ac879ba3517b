// Parsers and a sort from npm do the same with checkpoints: on real payloads, on texts made at random, right and wrong.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { countLooks } from './evaluate.ts';
import { FILES, load, type Name } from './packages.ts';

const require = createRequire(import.meta.url);
const TURNS = [1, 4, 1024];

type Run = (...of: readonly unknown[]) => unknown;

/** What a call ends with: its result, or its error, as far as JSON and own properties tell. */
function outcome(run: Run, ...of: readonly unknown[]): unknown {
  try {
    const value = run(...of);
    return { value, keys: typeof value === 'object' && value !== null ? Object.keys(value) : undefined };
  } catch (error) {
    const { name, message } = error as Error;
    return { name, message, ...(error as object) };
  }
}

function payloads(): string[] {
  const file = require
    .resolve('@octokit/webhooks-examples/package.json')
    .replace('package.json', 'api.github.com/index.json');
  const groups = JSON.parse(readFileSync(file, 'utf8')) as { examples: unknown[] }[];
  return groups.flatMap(({ examples }) => examples.map((each) => JSON.stringify(each, undefined, 2)));
}

/** JSON, JSON5 and what is neither. */
const texts: fc.Arbitrary<string> = fc
  .tuple(
    fc.json({ maxDepth: 4 }),
    fc.nat(),
    fc.constantFrom(
      '',
      ',',
      '// x\n',
      '/* x */',
      '}',
      "'a\\'b'",
      '0x1F',
      '\u2028',
      '"',
      '\\u00',
      'NaN',
      '.5',
      'e',
    ),
  )
  .map(([text, at, extra]) => {
    const place = at % (text.length + 1);
    return text.slice(0, place) + extra + text.slice(place);
  });

const PARSERS: readonly [Name, string, ...unknown[]][] = [
  ['json5', 'parse'],
  ['jsonc-parser', 'parse', []],
  ['jsonc-parser', 'parseTree'],
  ['jsonc-parser', 'stripComments'],
  ['jsonc-parser', 'format', undefined, { insertSpaces: true, tabSize: 3, eol: '\n' }],
  ['secure-json-parse', 'parse'],
  ['secure-json-parse', 'scan'],
];

test.each(PARSERS)('%s.%s', (name, method, ...more) => {
  const plain = load(name);
  const real = payloads().slice(0, 40);
  for (const turns of TURNS) {
    const changed = load(name, turns);
    expect(changed.loops).toBeGreaterThan(0);
    const same = (text: unknown): void => {
      // Errors of jsonc-parser go into an array that it is given.
      const expected = outcome(plain.exports[method] as Run, text, ...structuredClone(more));
      const found = outcome(changed.exports[method] as Run, text, ...structuredClone(more));
      expect(found).toEqual(expected);
    };
    countLooks(() => {
      for (const text of real) same(method === 'scan' ? JSON.parse(text) : text);
      fc.assert(
        fc.property(texts, (text) => {
          same(method === 'scan' ? { text, ['__proto__']: { text } } : text);
        }),
        { numRuns: 300 },
      );
    }, 7);
  }
});

test('what json5 writes is the same, and can be read again', () => {
  const plain = load('json5').exports;
  for (const turns of TURNS) {
    const { exports } = load('json5', turns);
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(undefined, 2, '\t'), (value, space) => {
        const text = plain['stringify'](value, undefined, space) as string;
        expect(exports['stringify'](value, undefined, space)).toBe(text);
        expect(exports['parse'](text)).toEqual(plain['parse'](text));
      }),
      { numRuns: 200 },
    );
  }
});

test('edits of jsonc-parser are the same', () => {
  const plain = load('jsonc-parser').exports;
  const { exports } = load('jsonc-parser', 1);
  const options = { formattingOptions: { insertSpaces: true, tabSize: 2 } };
  fc.assert(
    fc.property(
      fc.json(),
      fc.jsonValue(),
      fc.array(fc.oneof(fc.string(), fc.nat(3)), { maxLength: 3 }),
      (text, value, path) => {
        expect(outcome(exports['modify'] as Run, text, path, value, options)).toEqual(
          outcome(plain['modify'] as Run, text, path, value, options),
        );
      },
    ),
    { numRuns: 500 },
  );
});

test('timsort sorts as it does, by the same comparisons', () => {
  const plain = load('timsort').exports;
  const lists = fc.oneof(
    fc.array(fc.integer(), { maxLength: 400 }),
    fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 3000, minLength: 200 }),
    fc
      .tuple(fc.nat(900), fc.nat(9))
      .map(([length, step]) => Array.from({ length }, (_, i) => (i * step) % 97)),
    fc
      .array(
        fc.array(fc.integer()).map((run) => run.toSorted((a, b) => a - b)),
        { maxLength: 20 },
      )
      .map((runs) => runs.flat()),
  );
  for (const turns of TURNS) {
    const { exports, loops } = load('timsort', turns);
    expect(loops).toBeGreaterThan(20);
    fc.assert(
      fc.property(lists, (list) => {
        const compared = [plain, exports].map(({ sort }) => {
          const pairs: number[] = [];
          const sorted = list.map((value, index) => ({ value, index }));
          sort(sorted, (a: { value: number; index: number }, b: { value: number; index: number }) => {
            pairs.push(a.index, b.index);
            return a.value - b.value;
          });
          return { pairs, sorted };
        });
        expect(compared[1]).toEqual(compared[0]);
        const numbers = [...list];
        exports['sort'](numbers);
        const asText = [...list];
        plain['sort'](asText);
        expect(numbers).toEqual(asText);
      }),
      { numRuns: 100 },
    );
  }
});

test.each(Object.keys(FILES) as Name[])('loops of %s can be stopped', (name) => {
  const { exports } = load(name, 1024);
  const text = `{"a":${JSON.stringify(Array.from({ length: 5000 }, (_, i) => `text ${i}`))},"__proto__":{}}`;
  const looks = countLooks(() => {
    if (name === 'timsort')
      exports['sort'](
        Array.from({ length: 50_000 }, (_, i) => (i * 7919) % 50_021),
        (a: number, b: number) => a - b,
      );
    else if (name === 'secure-json-parse') exports['parse'](text, undefined, { protoAction: 'remove' });
    else exports['parse'](text);
  }, 64);
  expect(looks).toBeGreaterThan(name === 'secure-json-parse' ? 0 : 50);
});
