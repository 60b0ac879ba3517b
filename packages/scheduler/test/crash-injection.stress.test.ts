// The short version of `npm run crash-injection`: the same for two seconds, with seeds that stay.
import { expect, test } from 'vitest';
import { Draws } from './injection/draws.ts';
import { Epoch } from './injection/epoch.ts';

test.each([1, 2])(
  'workers and clients that end in every way, at random points under load (seed %i): nothing is lost, runs twice or hangs, and everything comes back',
  { timeout: 300_000 },
  async (seed) => {
    const { complaints, submitted, fulfilled, kills } = await new Epoch({
      draws: new Draws(seed),
      milliseconds: 1000,
    }).run();
    expect(complaints).toEqual([]);
    expect(fulfilled).toBeGreaterThan(submitted / 2);
    expect(kills['workers ended']).toBeGreaterThan(0);
  },
);
