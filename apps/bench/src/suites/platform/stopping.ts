// Stopping a worker in the middle of its JavaScript: by parking it, by ending it, and with its own help.
import type { Metric, Scenario, ScenarioGroup } from '../../suite.ts';
import { Held } from '../state/held.ts';
import { type Stop, StoppedWorker } from './stopped.ts';

const PARK = 'park() and resume()';
const ASK = 'a word that the worker looks at';
const TERMINATE = 'worker.terminate()';
const STOP_P50 = 'stopP50';

const STOPS = { full: 1000, quick: 20 };
const ENDS = { full: 20, quick: 2 };
/** A percentile needs as many samples beyond it. */
const BEYOND = 10;

/** Median and 99th percentile where there are enough, and the maximum. */
function summarised(name: string, samplesNs: readonly number[]): Record<string, Metric> {
  const sorted = samplesNs.toSorted((a, b) => a - b);
  const at = (share: number): Metric => ({
    value: (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN) / 1000,
    unit: 'µs',
  });
  const enough = [0.5, 0.99].filter((share) => sorted.length * (1 - share) >= BEYOND - 1e-6);
  return Object.fromEntries([
    ...enough.map((share) => [`${name}P${100 * share}`, at(share)] as const),
    [`${name}Max`, at(1)] as const,
  ]);
}

function stops(name: string, role: 'ours' | 'peer', once: (worker: StoppedWorker) => Stop): Scenario {
  const held = new Held<StoppedWorker>();
  let done = 0;
  let wanted = 0;
  return {
    name,
    role,
    async setup() {
      // A worker spins from its start to its end: here only whether one can be had.
      const worker = await StoppedWorker.start(role === 'ours');
      await worker.terminate();
    },
    async run({ quick }) {
      const worker = held.set(await StoppedWorker.start(role === 'ours'));
      worker.waitUntilRunning();
      wanted = quick ? STOPS.quick : STOPS.full;
      const found = Array.from({ length: wanted }, () => once(worker));
      done = found.length;
      await held.take()?.terminate();
      return {
        ...summarised(
          'stop',
          found.map(({ stopNs }) => stopNs),
        ),
        ...summarised(
          'resume',
          found.map(({ resumeNs }) => resumeNs),
        ),
        count: { value: done, unit: 'stops' },
      };
    },
    check: () => (done === wanted && done > 0 ? undefined : `${done} of ${wanted} stops`),
    teardown: async () => void (await held.take()?.terminate()),
  };
}

function ends(): Scenario {
  let count = 0;
  return {
    name: TERMINATE,
    role: 'peer',
    note: 'for good: what the worker knew is lost, and a new one takes its start',
    async run({ quick }) {
      const samples: number[] = [];
      count = quick ? ENDS.quick : ENDS.full;
      for (let end = 0; end < count; end++) {
        const worker = await StoppedWorker.start(false);
        worker.waitUntilRunning();
        samples.push(await worker.terminate());
      }
      return { ...summarised('stop', samples), count: { value: count, unit: 'stops' } };
    },
    check: () => (count > 0 ? undefined : 'nothing was ended'),
  };
}

export const stopping: ScenarioGroup = {
  kind: 'scenario',
  name: 'stopping',
  title: 'Stopping a worker that is running JavaScript, and letting it go on',
  note: 'From the call until it stands still, and until it counts on; both seen from the main thread, which keeps a CPU busy meanwhile.',
  rounds: 5,
  scenarios: [
    stops(PARK, 'ours', (worker) => worker.park()),
    stops(ASK, 'peer', (worker) => worker.ask()),
    ends(),
  ],
  claims: [{ of: PARK, against: TERMINATE, metric: STOP_P50, atMost: 0.5 }],
};
