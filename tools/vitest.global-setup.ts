// `vitest` run by hand, without nx, still finds the generated Wasm of every package.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { buildKernel } from './kernel/build.mjs';

export default async function setup(): Promise<void> {
  const packages = join(import.meta.dirname, '../packages');
  for (const name of readdirSync(packages)) {
    if (existsSync(join(packages, name, 'kernel/index.ts')))
      await buildKernel(join(packages, name), { quiet: true });
  }
}
