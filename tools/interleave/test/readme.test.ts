import { readFileSync } from 'node:fs';
import { compileFunction } from 'node:vm';
import { transformSync } from 'esbuild';
import { expect, test } from 'vitest';
import * as interleave from '../src/index.ts';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

test('the example of the README passes, and prints the trace that stands there', () => {
  const [, example] = /^```ts\n(.*?)^```/ms.exec(readme)!;
  const [, printed] = /^```text\n(.*?)^```/ms.exec(readme)!;
  // As if it lay in a folder beside `kernel`.
  const url = JSON.stringify(new URL('./beside/example.test.ts', import.meta.url).href);
  const { code } = transformSync(example!, {
    loader: 'ts',
    format: 'cjs',
    define: { 'import.meta.url': url },
  });
  const lines: string[] = [];
  const names: string[] = [];
  const modules: Record<string, unknown> = {
    '@corelane/interleave': interleave,
    vitest: {
      expect,
      test: (name: string, run: () => void) => {
        names.push(name);
        run();
      },
    },
  };
  compileFunction(code, ['require', 'module', 'URL', 'console'])(
    (specifier: string) => modules[specifier],
    { exports: {} },
    URL,
    { log: (line: string) => lines.push(line) },
  );
  expect(names).toEqual(['no increment is lost']);
  expect(`${lines.join('\n')}\n`).toBe(printed);
});
