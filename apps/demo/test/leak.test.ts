import { describe, expect, it } from 'vitest';
import { leakOf, type NamedTransition } from '../src/report/leak.ts';
import type { DeadArrival } from '../src/upstream/arrivals.ts';

const arrival = (path: string, atMs: number, probe = false): DeadArrival => ({
  path,
  atMs,
  probe,
  eventId: String(atMs),
  mode: 'reset',
});
const change = (endpoint: string, what: NamedTransition['what'], atMs: number): NamedTransition => ({
  endpoint,
  what,
  atMs,
});

describe('leakOf', () => {
  const transitions = [
    change('github/push', 'closed', 30),
    change('github/push', 'tripped', 10),
    change('github/push', 'reopened', 20),
    change('github/issues', 'tripped', 50),
  ];

  it('counts arrivals from a trip to the close, whatever order the transitions were heard in', () => {
    const dead = [9, 10, 11, 21, 30, 31].map((atMs) => arrival('/github/push', atMs));
    expect(leakOf(dead, transitions)).toEqual({ leaked: 3, leakedProbes: 0 });
  });

  it('counts by endpoint, and to the end where a breaker never closed', () => {
    expect(leakOf([arrival('/github/issues', 40), arrival('/github/issues', 1e9)], transitions).leaked).toBe(
      1,
    );
    expect(leakOf([arrival('/github/star', 25)], transitions).leaked).toBe(0);
  });

  it('tells probes from calls that should not be', () => {
    expect(leakOf([arrival('/github/push', 21, true), arrival('/github/push', 22)], transitions)).toEqual({
      leaked: 2,
      leakedProbes: 1,
    });
  });
});
