// What tasks take while they wait.
import type { ScenarioGroup } from '../../suite.ts';
import { poolScenario, RIVALS, SCHEDULER } from './pool-case.ts';
import type { PoolRequest, QueueAnswer } from './pool-process.ts';
import { LEAST_RATIO_MEMORY } from './targets.ts';

const MILLION = 1e6;
const TASKS = 100_000;
const QUICK_TASKS = 20_000;

export const queued: ScenarioGroup = {
  kind: 'scenario',
  name: 'queued',
  title: `Memory of ${TASKS / 1000} k queued tasks, 1 worker`,
  note: 'Resident memory with all tasks queued behind one that runs, by what it was before them, garbage collected. total: with what the pool itself took when it was started. Then they run, and each result is looked at. multithreading loses tasks beyond 65 536: it gets fewer.',
  rounds: 5,
  timeoutSeconds: 600,
  scenarios: ([SCHEDULER, ...RIVALS] as const).map((name) =>
    poolScenario(
      name,
      { threads: 1, inFlight: TASKS, payloadBytes: 0 },
      async ({ companion, quick, started }) => {
        const tasks = quick ? QUICK_TASKS : TASKS;
        const request: PoolRequest = { type: 'queue', tasks };
        const answer = await companion.request<QueueAnswer>(request);
        const bytes = answer.queuedBytes / answer.tasks;
        return {
          metrics: {
            task: { value: bytes, unit: 'B' },
            total: { value: (started.startBytes + bytes * tasks) / MILLION, unit: 'MB' },
          },
          successful: answer.successful,
          expected: answer.tasks,
        };
      },
    ),
  ),
  claims: [{ of: 'piscina', against: SCHEDULER, metric: 'task', atLeast: LEAST_RATIO_MEMORY }],
};
