// The plugins, in the bundlers that they are for.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { rollup } from 'rollup';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkpoints as esbuildPlugin } from '../src/esbuild.ts';
import { checkpoints as rollupPlugin } from '../src/rollup.ts';

let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'checkpoints-'));
  await writeFile(
    join(folder, 'sum.ts'),
    'export function sum(list: readonly number[]): number {\n  let s = 0;\n  for (const x of list) s += add(x);\n  return s;\n}\nfunction add(x: number): number {\n  if (x > 100) throw new RangeError("too large");\n  return x;\n}\n',
  );
  await writeFile(
    join(folder, 'main.ts'),
    "export { sum } from './sum.ts';\nexport let n = 0;\nwhile (n < 5) n++;\n",
  );
  await writeFile(
    join(folder, 'main.mjs'),
    'export const sum = (list) => {\n  let s = 0;\n  for (const x of list) s += x;\n  return s;\n};\n',
  );
  await writeFile(join(folder, 'bad.ts'), 'const a = 1;\nlet b = ;\n');
});

afterAll(() => rm(folder, { recursive: true }));

function bundle(entry: string, options?: Parameters<typeof esbuildPlugin>[0]): ReturnType<typeof build> {
  return build({
    entryPoints: [join(folder, entry)],
    bundle: true,
    format: 'esm',
    write: false,
    sourcemap: 'inline',
    logLevel: 'silent',
    plugins: [esbuildPlugin(options)],
  });
}

async function load(text: string): Promise<{ sum(list: readonly number[]): number }> {
  return (await import(`data:text/javascript,${encodeURIComponent(text)}`)) as {
    sum(list: readonly number[]): number;
  };
}

test('esbuild: files of a bundle have checkpoints, and do what they did', async () => {
  const { outputFiles } = await bundle('main.ts');
  const text = outputFiles?.[0]?.text ?? '';
  expect(text.match(/function \$checkpointLook/g)).toHaveLength(2);
  expect((await load(text)).sum([1, 2, 3])).toBe(6);
});

test('esbuild: source maps lead to the lines of the files', async () => {
  const { outputFiles } = await bundle('main.ts');
  const [, encoded = ''] = /base64,(.*)/.exec(outputFiles?.[0]?.text ?? '') ?? [];
  const map = JSON.parse(Buffer.from(encoded, 'base64').toString()) as {
    sources: string[];
    sourcesContent: string[];
  };
  expect(map.sources.some((each) => each.endsWith('sum.ts'))).toBe(true);
  expect(map.sourcesContent.join('')).not.toContain('$checkpoint');
});

test('esbuild: what is excluded, or not included, stays as it is', async () => {
  for (const options of [
    { exclude: /sum/ },
    { include: [/main/g] },
    { include: (path: string) => path.includes('main') },
  ]) {
    const { outputFiles } = await bundle('main.ts', options);
    expect(outputFiles?.[0]?.text.match(/function \$checkpointLook/g)).toHaveLength(1);
  }
});

test('esbuild: what can not be parsed is reported, with its place', async () => {
  await expect(bundle('bad.ts')).rejects.toMatchObject({
    errors: [
      {
        pluginName: '@corelane/scheduler-checkpoints',
        location: { line: 2, column: 8, lineText: 'let b = ;' },
      },
    ],
  });
});

test('rollup: modules of a bundle have checkpoints, and do what they did', async () => {
  const bundled = await rollup({ input: join(folder, 'main.mjs'), plugins: [rollupPlugin()] });
  const { output } = await bundled.generate({ format: 'esm', sourcemap: true });
  const [{ code, map }] = output;
  expect(code).toContain('$checkpointLook()');
  expect(map?.sourcesContent?.[0]).not.toContain('$checkpoint');
  expect((await load(code)).sum([1, 2, 3])).toBe(6);
});

test('rollup: virtual modules, other files and packages of others are left alone', () => {
  const plugin = rollupPlugin();
  const code = 'while (f()) g();';
  for (const id of ['\0virtual.js', '/a/b.css', '/a/node_modules/b/c.js', '/a/node_modules/b/c.js?v=1'])
    expect(plugin.transform(code, id)).toBeUndefined();
  expect(plugin.transform(code, '/a/b.js?v=1')?.code).toContain('$checkpointLook');
  expect(plugin.transform('f();', '/a/b.js')).toBeUndefined();
});

test('packages that run tasks are never changed', () => {
  const plugin = rollupPlugin({ exclude: [] });
  expect(
    plugin.transform('while (f()) g();', '/a/node_modules/@corelane/scheduler/dist/index.js'),
  ).toBeUndefined();
  expect(plugin.transform('while (f()) g();', '/a/node_modules/b/index.js')).toBeDefined();
});

test.each([
  [{ include: 'src' }, /include is "src", expected a regular expression, an array of them, or a function/],
  [{ exclude: [/a/, 'b'] }, /exclude is "b", expected a regular expression/],
  [{ filter: /a/ }, /options is "filter", expected functions, include, exclude/],
])('options that mean nothing are refused: %o', (options, message) => {
  expect(() => esbuildPlugin(options as never)).toThrow(message);
  expect(() => rollupPlugin(options as never)).toThrow(message);
});
