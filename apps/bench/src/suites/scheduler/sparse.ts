// Runs of fresh processes: start-up, memory of what waits, and a task now and then.
import type { Claim, ScenarioGroup } from '../../suite.ts';
import { type ContestantName, LIBRARIES } from './contestants.ts';
import { CPU, poolScenario } from './pool-case.ts';
import type { PoolRequest, QueueAnswer, RunAnswer } from './pool-process.ts';

const OURS = 'scheduler';
const PEERS: readonly ContestantName[] = [...LIBRARIES, 'port'];
const NAMES: readonly ContestantName[] = [OURS, ...PEERS];
const MILLION = 1e6;

/** The same as in payload.ts. */
const PARITY = 0.95;

const PACED_TASKS = 2000;
const PACED_TASKS_QUICK = 200;

function paced(threads: number): ScenarioGroup {
  const options = { threads, inFlight: 1, payloadBytes: 0 };
  return {
    kind: 'scenario',
    name: `paced-${threads}`,
    title: `A task of one multiplication every 300 µs, ${threads} ${threads === 1 ? 'worker' : 'workers'}`,
    note: 'Both sides have gone to sleep: the submitting thread sleeps in the kernel between tasks, so what is measured is waking.',
    rounds: 9,
    scenarios: NAMES.map((name) =>
      poolScenario(name, options, async ({ companion, quick }) => {
        const operations = quick ? PACED_TASKS_QUICK : PACED_TASKS;
        const request: PoolRequest = { type: 'run', load: 'paced', operations };
        await companion.request<RunAnswer>({ ...request, operations: PACED_TASKS_QUICK });
        const { successful, cpuNs, latencies } = await companion.request<RunAnswer>(request);
        return {
          metrics: { ...latencies, [CPU]: { value: cpuNs / operations, unit: 'ns' } },
          successful,
          expected: operations,
        };
      }),
    ),
    claims: PEERS.map((of): Claim => ({ of, against: OURS, metric: 'p50', atLeast: PARITY })),
  };
}

const START_WORKERS = 2;

const startUp: ScenarioGroup = {
  kind: 'scenario',
  name: 'start-up',
  title: `Start of ${START_WORKERS} workers in a fresh process`,
  note: 'start: from the construction until each worker has run a task. load: of the library’s modules, before that. memory: what both added to the process.',
  rounds: 9,
  scenarios: NAMES.map((name) =>
    poolScenario(
      name,
      { threads: START_WORKERS, inFlight: 64, payloadBytes: 0 },
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
  claims: [{ of: 'piscina', against: OURS, metric: 'start', atLeast: PARITY }],
};

const QUEUED_TASKS = 100_000;
const QUEUED_TASKS_QUICK = 20_000;

const queued: ScenarioGroup = {
  kind: 'scenario',
  name: 'queued',
  title: `Memory of ${QUEUED_TASKS / 1000} k queued tasks, 1 worker`,
  note: 'Resident memory with all tasks queued behind one that runs, by what it was before them, garbage collected. total: with what the pool itself took when it was started. Then they run, and each result is looked at. multithreading loses tasks beyond 65 536: it gets fewer.',
  rounds: 5,
  timeoutSeconds: 600,
  scenarios: NAMES.map((name) =>
    poolScenario(
      name,
      { threads: 1, inFlight: QUEUED_TASKS, payloadBytes: 0 },
      async ({ companion, quick, started }) => {
        const tasks = quick ? QUEUED_TASKS_QUICK : QUEUED_TASKS;
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
  claims: [
    { of: 'piscina', against: OURS, metric: 'task', atLeast: 3 },
    { of: 'piscina', against: OURS, metric: 'total', atLeast: 1 },
  ],
};

export const sparse: readonly ScenarioGroup[] = [paced(1), paced(2), startUp, queued];
