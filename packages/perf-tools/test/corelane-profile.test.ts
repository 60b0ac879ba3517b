import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { checkCpuProfile, type SpeedscopeFile } from '../src/profiles/index.ts';
import { CONVERT_USAGE, runConvert } from '../src/profiles/run-convert.ts';

const folder = mkdtempSync(join(tmpdir(), 'corelane-profile-'));
const file = (name: string): string => join(folder, name);
const frame = (functionName: string, url = 'file:///app/x.js'): object => ({
  functionName,
  scriptId: '1',
  url,
  lineNumber: 4,
  columnNumber: 2,
});

beforeAll(() => {
  for (const name of ['main', 'worker 1'])
    writeFileSync(
      file(`${name}.cpuprofile`),
      JSON.stringify({
        nodes: [
          { id: 1, callFrame: frame('(root)', ''), children: [2, 3] },
          { id: 2, callFrame: frame('work\u001B[2J'), children: [] },
          { id: 3, callFrame: frame('(idle)', '') },
        ],
        startTime: 0,
        endTime: 4000,
        samples: [2, 3],
        timeDeltas: [0, 3000],
      }),
    );
  writeFileSync(file('broken.cpuprofile'), '{"nodes":[]}');
  writeFileSync(file('escape.cpuprofile'), '\u001B[2J');
});
afterEach(() => {
  vi.restoreAllMocks();
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function run(...args: readonly string[]): { code: number; out: string; complaint: string } {
  const said = { out: '', complaint: '' };
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => ((said.out += String(text)), true));
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => ((said.complaint += String(text)), true));
  const code = runConvert(args);
  vi.restoreAllMocks();
  return { code, ...said };
}

const BOTH = [file('main.cpuprofile'), file('worker 1.cpuprofile')];

test('says which functions took most time, over all threads', () => {
  expect(run(...BOTH)).toEqual({
    code: 0,
    out: ' 75.0%        6.0 ms  work\\u001b[2J file:///app/x.js:5:3\n 25.0%        2.0 ms  (idle)\n',
    complaint: '',
  });
});

test('writes a flame graph, a file for speedscope and one profile, side by side or added up', () => {
  const [svg, speedscope, merged] = [file('a.svg'), file('a.json'), file('a.cpuprofile')];
  const outputs = ['--svg', svg, '--speedscope', speedscope, '--merge', merged];
  const threads = (): number[] => [
    [...readFileSync(svg, 'utf8').matchAll(/data-name="(main|worker 1)"/g)].length,
    (JSON.parse(readFileSync(speedscope, 'utf8')) as SpeedscopeFile).profiles.length,
    checkCpuProfile(JSON.parse(readFileSync(merged, 'utf8'))).nodes.length,
  ];
  expect(run(...outputs, '--title', 'Both', ...BOTH)).toEqual({ code: 0, out: '', complaint: '' });
  expect(readFileSync(svg, 'utf8')).toContain('>Both</text>');
  expect(threads()).toEqual([2, 2, 7]);
  expect(run(...outputs, '--sum', ...BOTH).code).toBe(0);
  expect(threads()).toEqual([0, 1, 5]);
});

test('two files of the same name are two threads', () => {
  mkdirSync(file('other'));
  copyFileSync(BOTH[0] as string, file('other/main.cpuprofile'));
  const [svg, same] = [file('same.svg'), [BOTH[0] as string, file('other/main.cpuprofile')]];
  expect(run('--svg', svg, ...same).code).toBe(0);
  for (const name of same) expect(readFileSync(svg, 'utf8')).toContain(`data-name="${name}"`);
});

test('maps names and places where that is asked for, and says of which scripts it can’t', () => {
  const script = file('mapped.js');
  const map = '{"version":3,"sources":["x.ts"],"names":["original"],"mappings":"SAUSA"}';
  const comment = `//# sourceMappingURL=data:application/json,${encodeURIComponent(map)}`;
  writeFileSync(script, `function f(){}\n${comment}`);
  const nodes = [
    { id: 1, callFrame: frame('(root)', ''), children: [2, 3] },
    { id: 2, callFrame: { ...frame('f', script), lineNumber: 0, columnNumber: 10 } },
    { id: 3, callFrame: frame('g', '/nowhere/\u009B2J.js') },
  ];
  const text = JSON.stringify({ nodes, startTime: 0, endTime: 40, samples: [2, 3], timeDeltas: [0, 30] });
  writeFileSync(file('bundled.cpuprofile'), text);
  const { code, out, complaint } = run('--source-maps', file('bundled.cpuprofile'));
  expect(code).toBe(0);
  expect(out).toMatch(/^ 75\.0% +0\.0 ms {2}original .*\/x\.ts:11:10\n 25\.0%.* g /);
  expect(complaint).toBe('corelane-profile: /nowhere/\uFFFD2J.js: /nowhere/\uFFFD2J.js: ENOENT\n');
  expect(run('--source-maps', ...BOTH).complaint).toMatch(/no function was found in a source map/);
  run('--source-maps', '--merge', file('merged.cpuprofile'), file('bundled.cpuprofile'));
  expect(readFileSync(file('merged.cpuprofile'), 'utf8')).toContain('"functionName":"original"');
});

test.each([
  [1, /none\.cpuprofile: ENOENT/, [file('none.cpuprofile')]],
  [
    1,
    /broken\.cpuprofile: CPU profile: nodes is an array of 0, expected a root at least/,
    [file('broken.cpuprofile')],
  ],
  [1, /escape\.cpuprofile: .*\uFFFD\[2J/, [file('escape.cpuprofile')]],
  [1, /ENOENT.*folder/, ['--svg', file('no folder/a.svg'), ...BOTH]],
  [2, /no file/, []],
  [2, /--title is that of --svg/, ['--title', 'x', ...BOTH]],
  [2, /Unknown option '--png'/, ['--png', 'x', ...BOTH]],
])('exits with %i and says %s', (code, why, args) => {
  const found = run(...args);
  expect(found.complaint).toMatch(why);
  expect(found).toMatchObject({ code, out: '' });
});

test('its help names all options', () => {
  expect(run('-h')).toEqual({ code: 0, out: CONVERT_USAGE, complaint: '' });
});
