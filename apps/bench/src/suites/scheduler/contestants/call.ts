import type { Contestant } from '../contestant.ts';
import { digest, double, holdWhile, whoRuns } from '../work.ts';

/** No thread at all: what tasks must be larger than. */
export function startCalls(): Contestant {
  return {
    double: async (n) => double(n),
    digest: async (payload) => digest(payload),
    whoRuns: async (n) => whoRuns(n),
    holdWhile: async (path) => holdWhile(path),
    close: () => undefined,
  };
}
