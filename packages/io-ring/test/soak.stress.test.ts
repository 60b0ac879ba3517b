/** The soak, for a few seconds; `npm run soak` in the package's folder runs it for as long as you like. */
import { expect, test } from 'vitest';
import { soak } from './soak/soak.ts';

test.runIf(process.platform === 'linux')(
  'random operations on threads that are killed lose nothing and leave nothing behind',
  async () => {
    const { operations, kills } = await soak({ seconds: 3, seed: 20, threads: 2, engine: 'auto' });
    expect(kills).toBeGreaterThan(0);
    expect(operations).toBeGreaterThan(0);
  },
  60_000,
);
