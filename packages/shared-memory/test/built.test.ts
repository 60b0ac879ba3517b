import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
let built: string;

beforeAll(() => {
  built = mkdtempSync(`${root}node_modules/.built-`);
  execFileSync(`${root}../../node_modules/.bin/tsup`, ['--out-dir', built], { cwd: root });
}, 60_000);
afterAll(() => rmSync(built, { recursive: true, force: true }));

test('as built, a ticker finds the file of its thread', () => {
  const program = `
    import { Arena, CoarseClock } from ${JSON.stringify(`${built}/index.js`)};
    const clock = CoarseClock.create(Arena.create({ bytes: 1 }));
    const ticker = clock.startTicker({ thread: 'own' });
    await ticker.ready;
    const end = performance.now() + 20;
    while (performance.now() < end); // no event loop
    await ticker[Symbol.asyncDispose]();
    console.log(await ticker.ended, clock.now() >= 10);`;
  const args = ['--input-type=module', '-e', program];
  expect(execFileSync(process.execPath, args, { encoding: 'utf8' })).toBe('disposed true\n');
}, 60_000);
