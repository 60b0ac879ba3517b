import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compileFunction } from 'node:vm';
import { transformSync } from 'esbuild';
import { expect, test } from 'vitest';
import { readmeExample } from '../../readme-example.ts';
import * as interleave from '../src/index.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

test('the example of the README passes, and prints the trace that stands there', () => {
  const [, printed] = /^```text\n(.*?)^```/ms.exec(readFileSync(join(root, 'README.md'), 'utf8'))!;
  // As if it lay in a folder beside `kernel`.
  const url = JSON.stringify(new URL('./beside/example.test.ts', import.meta.url).href);
  const { code } = transformSync(readmeExample(root), {
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
