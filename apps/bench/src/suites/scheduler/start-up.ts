// How long it takes until there are workers.
import type { ScenarioGroup } from '../../suite.ts';
import { poolScenario, RIVALS, SCHEDULER } from './pool-case.ts';
import { PARITY } from './targets.ts';

const MILLION = 1e6;
const WORKERS = 2;

export const startUp: ScenarioGroup = {
  kind: 'scenario',
  name: 'start-up',
  title: `Start of ${WORKERS} workers in a fresh process`,
  note: 'start: from the construction until each worker has run a task. load: of the library’s modules, before that. memory: what both added to the process.',
  rounds: 9,
  scenarios: ([SCHEDULER, ...RIVALS] as const).map((name) =>
    poolScenario(
      name,
      { threads: WORKERS, inFlight: 64, payloadBytes: 0 },
      async ({ started: { loadMs, startMs, startBytes } }) => ({
        metrics: {
          start: { value: startMs, unit: 'ms' },
          load: { value: loadMs, unit: 'ms' },
          memory: { value: startBytes / MILLION, unit: 'MB' },
        },
        successful: 0,
        expected: 0,
      }),
    ),
  ),
  claims: [{ of: 'piscina', against: SCHEDULER, metric: 'start', atLeast: PARITY }],
};
