// A task now and then: everybody has gone to sleep, and is woken.
import type { Claim, ScenarioGroup } from '../../suite.ts';
import { CPU, poolScenario, RIVALS, SCHEDULER } from './pool-case.ts';
import type { PoolRequest, RunAnswer } from './pool-process.ts';
import { PARITY } from './targets.ts';

const TASKS = 2000;
const QUICK_TASKS = 200;

function group(threads: number): ScenarioGroup {
  const options = { threads, inFlight: 1, payloadBytes: 0 };
  return {
    kind: 'scenario',
    name: `paced-${threads}`,
    title: `A task of one multiplication every 300 µs, ${threads} ${threads === 1 ? 'worker' : 'workers'}`,
    note: 'Both sides have gone to sleep: the submitting thread sleeps in the kernel between tasks, so what is measured is waking.',
    rounds: 9,
    scenarios: ([SCHEDULER, ...RIVALS] as const).map((name) =>
      poolScenario(name, options, async ({ companion, quick }) => {
        const operations = quick ? QUICK_TASKS : TASKS;
        const request: PoolRequest = { type: 'run', load: 'paced', operations };
        await companion.request<RunAnswer>({ ...request, operations: QUICK_TASKS });
        const { successful, cpuNs, latencies } = await companion.request<RunAnswer>(request);
        return {
          metrics: { ...latencies, [CPU]: { value: cpuNs / operations, unit: 'ns' } },
          successful,
          expected: operations,
        };
      }),
    ),
    claims: RIVALS.map((of): Claim => ({ of, against: SCHEDULER, metric: 'p50', atLeast: PARITY })),
  };
}

export const paced: readonly ScenarioGroup[] = [1, 2].map(group);
