import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildSync } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  applySourceMaps,
  callTree,
  startProfile,
  toFlameGraphSvg,
  toSpeedscope,
  type CallTree,
  type NamedProfile,
  type SourceMapOptions,
  type ThreadProfile,
} from '../src/profiles/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'corelane-maps-'));
const file = (name: string): string => join(folder, name);
const source = `// The first line is a comment.
interface Numbers { readonly many: number }
function declared({ many }: Numbers): number {
  let x = 1;
  for (let i = 0; i < many; i++) x = (Math.imul(x, 31) + i) | 0;
  return x;
}
const assigned = ({ many }: Numbers): number => {
  let x = 2;
  for (let i = 0; i < many; i++) x = (Math.imul(x, 17) + i) | 0;
  return x;
};
class Worker {
  method({ many }: Numbers): number {
    let x = 3;
    for (let i = 0; i < many; i++) x = (Math.imul(x, 13) + i) | 0;
    return x;
  }
}
export const all = (many: number): number => declared({ many }) + assigned({ many }) + new Worker().method({ many });
`;

beforeAll(() => {
  mkdirSync(file('src'));
  mkdirSync(file('dist'));
  writeFileSync(file('src/work.ts'), source);
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function found(tree: CallTree, all: CallTree[] = []): CallTree[] {
  all.push(tree);
  for (const child of tree.children) found(child, all);
  return all;
}

/** A profile of one function at a place, from 0. */
function profileAt(url: string, functionName = 'f', lineNumber = 0, columnNumber = 10): NamedProfile {
  const frame = { scriptId: '1', url: '', lineNumber: -1, columnNumber: -1 };
  const nodes = [
    { id: 1, callFrame: { ...frame, functionName: '(root)' }, children: [2] },
    {
      id: 2,
      callFrame: { ...frame, functionName, url, lineNumber, columnNumber },
      positionTicks: [{ line: 1, ticks: 1 }],
    },
  ];
  return { name: 'main', profile: { nodes, startTime: 0, endTime: 9, samples: [2], timeDeltas: [0] } };
}

test('functions of a minified bundle that really ran have the names and places of their TypeScript', async () => {
  const outfile = file('dist/work.cjs');
  buildSync({
    entryPoints: [file('src/work.ts')],
    ...{ outfile, bundle: true, minify: true, sourcemap: true, format: 'cjs', logLevel: 'error' },
  });
  const { all } = createRequire(import.meta.url)(outfile) as { readonly all: (many: number) => number };
  const record = async (): Promise<ThreadProfile> => {
    const recording = await startProfile(0, { intervalUs: 100 });
    const endMs = performance.now() + 40;
    while (performance.now() < endMs) all(100_000);
    return recording.stop();
  };
  let recorded = await record();
  // On a busy machine there are few samples: until there is one of each function.
  const namesOf = ({ profile }: ThreadProfile): Set<string> =>
    new Set(
      profile.nodes
        .filter(({ callFrame }) => callFrame.url.endsWith('work.cjs'))
        .map(({ callFrame }) => `${callFrame.lineNumber}:${callFrame.columnNumber}`),
    );
  while (namesOf(recorded).size < 4) recorded = await record();
  const { profiles, problems, mappedNodes } = applySourceMaps(recorded);
  expect(problems.filter(({ url }) => url.includes('work.cjs'))).toEqual([]);
  expect(mappedNodes).toBeGreaterThan(3);
  const url = pathToFileURL(file('src/work.ts')).href;
  const places = found(callTree(profiles)).filter((node) => node.url === url);
  const lineOf = new Map(places.map((node) => [node.functionName, node.lineNumber]));
  expect(lineOf).toEqual(
    new Map([
      ['declared', 2],
      ['assigned', 7],
      ['method', 13],
      ['all', 19],
    ]),
  );
  expect(found(callTree(recorded)).map((node) => node.functionName)).not.toContain('declared');
  // All conversions take it, and its time is the same.
  expect(callTree(profiles).totalUs).toBe(callTree(recorded).totalUs);
  expect(toFlameGraphSvg(profiles)).toContain('data-name="declared"');
  expect(toSpeedscope(profiles).shared.frames).toContainEqual(
    expect.objectContaining({ name: 'declared', file: url, line: 3 }),
  );
});

describe('a map', () => {
  const map = { version: 3, sources: ['../src/x.ts'], names: ['original'], mappings: 'SAUSA' };
  const script = 'function f(){}\n';
  const inline = (value: unknown): string =>
    `${script}//# sourceMappingURL=data:application/json;base64,${Buffer.from(JSON.stringify(value)).toString('base64')}\n`;
  const mappedName = (name: string, text: string, options?: SourceMapOptions): string => {
    writeFileSync(file(name), text);
    const { profiles, problems } = applySourceMaps(profileAt(file(name)), options);
    const node = profiles[0]?.profile.nodes[1];
    return problems[0] === undefined
      ? `${node?.callFrame.functionName} ${node?.callFrame.url.split('/').at(-1)}:${node?.callFrame.lineNumber}:${node?.callFrame.columnNumber}`
      : `${problems[0].kind}: ${problems[0].message}`;
  };

  test('is inline, in base64 or not, named by a comment, or beside its script', () => {
    const mapped = 'original x.ts:10:9';
    expect(mappedName('dist/a.js', inline(map))).toBe(mapped);
    const plain = encodeURIComponent(JSON.stringify(map));
    expect(mappedName('dist/b.js', `${script}//# sourceMappingURL=data:application/json,${plain}`)).toBe(
      mapped,
    );
    writeFileSync(file('dist/other.map'), `)]}'\n${JSON.stringify(map)}`);
    expect(mappedName('dist/c.js', `${script}//# sourceMappingURL=other.map\r\n`)).toBe(mapped);
    writeFileSync(file('dist/d.js.map'), JSON.stringify(map));
    expect(mappedName('dist/d.js', script)).toBe(mapped);
    const sections = [{ offset: { line: 0, column: 0 }, map }];
    expect(mappedName('dist/e.js', inline({ version: 3, sections }))).toBe(mapped);
  });

  test('is the last that is named, alone on its line, and none is no problem', () => {
    const text = `//# sourceMappingURL=nowhere.map\n${inline(map)}`;
    expect(mappedName('dist/f.js', script + text)).toBe('original x.ts:10:9');
    expect(mappedName('dist/g.js', `${script}const x = '//# sourceMappingURL=y.map';`)).toBe('f g.js:0:10');
    expect(mappedName('dist/h.js', script)).toBe('f h.js:0:10');
  });

  test.each([
    ['missing-map: ', `${script}//# sourceMappingURL=none.map`],
    ['missing-map: ', `${script}//# sourceMappingURL=.`],
    [
      'unreachable-map: its map https://x.test/a.map is no',
      `${script}//# sourceMappingURL=https://x.test/a.map`,
    ],
    ['unreachable-map: its map file://far/a.map', `${script}//# sourceMappingURL=file://far/a.map`],
    ['broken-map: ', `${script}//# sourceMappingURL=data:application/json,{`],
    ['broken-map: ', `${script}//# sourceMappingURL=data:application/json,%zz`],
    ['broken-map: ', `${script}//# sourceMappingURL=data:application/json`],
    ['broken-map: its map is broken: version 2', inline({ ...map, version: 2 })],
    ['broken-map: ', inline(null)],
    ['broken-map: ', inline({ version: 3, names: [] })],
    ['broken-map: ', inline({ version: 3, sections: [1] })],
  ])('that is no good is said to be: %s', (problem, text) => {
    expect(mappedName('dist/broken.js', text)).toContain(problem);
  });

  test.each([
    ['of another line', { ...map, mappings: ';SAUSA' }],
    ['without a source', { ...map, mappings: 'S' }],
    ['whose source is not there', { ...map, mappings: 'SCUSA' }],
    ['whose source is null', { ...map, sources: [null] }],
    ['with a negative line', { ...map, mappings: 'SADSA' }],
  ])('%s leaves the frame as it was', (_, value) => {
    expect(mappedName('dist/odd.js', inline(value))).toBe('f odd.js:0:10');
  });

  test('whose name is of elsewhere, or is not there, leaves the name as it was', () => {
    expect(mappedName('dist/i.js', inline({ ...map, mappings: 'UAUSA' }))).toBe('f x.ts:10:9');
    expect(mappedName('dist/j.js', inline({ ...map, names: [] }))).toBe('f x.ts:10:9');
    expect(mappedName('dist/k.js', inline({ ...map, names: [7] }))).toBe('f x.ts:10:9');
  });

  test('is not read where it, or its script, is too large', () => {
    expect(mappedName('dist/l.js', inline(map), { mostBytes: 20 })).toMatch(
      /^too-large: .*l\.js has \d+ bytes, expected at most 20$/,
    );
    writeFileSync(file('dist/m.js.map'), JSON.stringify(map));
    expect(mappedName('dist/m.js', script, { mostBytes: 20 })).toMatch(/^too-large: .*m\.js\.map has/);
    // All together: the fifth of five.
    const many = Array.from({ length: 5 }, (_, i) => {
      writeFileSync(file(`dist/n${i}.js`), script);
      return profileAt(file(`dist/n${i}.js`));
    });
    const { problems } = applySourceMaps(many, { mostBytes: script.length });
    expect(problems.map(({ kind, url }) => [kind, url])).toEqual([['too-large', file('dist/n4.js')]]);
  });

  test('is found where the script was moved to, and lines of the script are gone with it', () => {
    writeFileSync(file('dist/moved.js'), inline(map));
    const given = profileAt('file:///elsewhere/moved.js');
    expect(applySourceMaps(given)).toMatchObject({
      profiles: [given],
      problems: [{ url: 'file:///elsewhere/moved.js', kind: 'missing-script' }],
      mappedNodes: 0,
    });
    const { profiles } = applySourceMaps(given, {
      locate: (url) => url.replace('file:///elsewhere', file('dist')),
    });
    const node = profiles[0]?.profile.nodes[1];
    expect(node?.callFrame).toMatchObject({ functionName: 'original' });
    expect(node).not.toHaveProperty('positionTicks');
    expect(given.profile.nodes[1]).toHaveProperty('positionTicks');
  });
});

test('what is no file of this machine is left alone', () => {
  for (const url of [
    '',
    'node:fs',
    'evalmachine.<anonymous>',
    'https://x.test/a.js',
    'file://far/a.js',
    'file:%',
  ])
    expect(applySourceMaps(profileAt(url))).toMatchObject({ problems: [], mappedNodes: 0 });
  expect(applySourceMaps(profileAt(folder)).problems).toMatchObject([{ kind: 'missing-script' }]);
});

test.each([
  [{ mostBytes: 0 }, 'mostBytes is 0'],
  [{ locate: 'here' as never }, 'locate is "here"'],
  [{ root: '/' } as never, 'option root of applySourceMaps'],
])('options are looked at: %j', (options, message) => {
  expect(() => applySourceMaps(profileAt('x'), options)).toThrow(message);
});
