// What docs/memory-model.md claims of the machine, shown on real threads. The model search checks the algorithms; this checks that
// the atomics on which it relies are what it takes them for.
import { expect, test, vi } from 'vitest';
import { Arena } from '../src/index.ts';
import { Crew } from '../../../tools/testing/crew.ts';
import type { Report, Station } from './worker/litmus-worker.ts';

vi.setConfig({ testTimeout: 60_000 });

type Access = Station['access'];

async function run(name: Station['test'], accesses: readonly [Access, Access]): Promise<Report> {
  const { handle } = Arena.create({ bytes: 1 << 18 });
  await using crew = new Crew(
    new URL('./worker/litmus-worker.ts', import.meta.url),
    accesses.map((access, side) => ({ arena: handle, test: name, side, access, milliseconds: 400 })),
  );
  await crew.go();
  const [first, second] = await crew.reports<Report>();
  const report = { rounds: first!.rounds, forbidden: first!.forbidden + second!.forbidden };
  console.log(
    `${name}, ${accesses.join(' against ')}: ${report.rounds} rounds, ${report.forbidden} forbidden outcomes`,
  );
  return report;
}

/** Runs, together, of more than so many rounds: 400 ms may have few of them on a machine that is busy. */
async function runMore(rounds: number, ...litmus: Parameters<typeof run>): Promise<Report> {
  const all = { rounds: 0, forbidden: 0 };
  while (all.rounds <= rounds) {
    const report = await run(...litmus);
    all.rounds += report.rounds;
    all.forbidden += report.forbidden;
  }
  return all;
}

const pairs: readonly [Access, Access][] = [
  ['atomics', 'atomics'],
  ['wasm', 'wasm'],
  ['atomics', 'wasm'],
];

test.each(pairs)(
  'store buffering: %s against %s, an atomic load never overtakes an atomic store',
  async (...accesses) => {
    const { rounds, forbidden } = await runMore(100, 'store buffering', accesses);
    expect(rounds).toBeGreaterThan(100);
    expect(forbidden).toBe(0);
  },
);

test('store buffering with plain accesses happens, so the test above can fail', async ({ skip }) => {
  let forbidden = 0;
  for (let attempt = 0; attempt < 5 && forbidden === 0; attempt++)
    ({ forbidden } = await run('store buffering', ['plain', 'plain']));
  // One core, or cores that were never busy at the same time.
  skip(forbidden === 0, 'this machine showed no store buffering in 2 s');
  expect(forbidden).toBeGreaterThan(0);
});

test.each(pairs)(
  'message passing: %s to %s, who sees the flag sees the plain words before it',
  async (...accesses) => {
    const { rounds, forbidden } = await runMore(10, 'message passing', accesses);
    expect(rounds).toBeGreaterThan(10);
    expect(forbidden).toBe(0);
  },
);
