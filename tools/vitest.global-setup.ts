// `vitest` run by hand, without nx, still finds the generated Wasm of every package and app, and the addons.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { buildKernel } from './kernel/build.mjs';
import { buildNative } from './native/build.mjs';

export default async function setup(): Promise<void> {
  for (const group of ['packages', 'apps']) {
    const folder = join(import.meta.dirname, '..', group);
    for (const name of readdirSync(folder)) {
      if (existsSync(join(folder, name, 'kernel/index.ts')))
        await buildKernel(join(folder, name), { quiet: true });
      if (existsSync(join(folder, name, 'native'))) buildNative(join(folder, name));
    }
  }
}
