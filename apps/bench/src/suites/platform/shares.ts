// What nice, SCHED_IDLE and pinning do: the CPU that two spinning workers get. One is left as it is, the other is treated.
import {
  affinity,
  nice,
  schedulingPolicy,
  setAffinity,
  setNice,
  setSchedulingPolicy,
} from '@corelane/platform';
import { NotMeasurableError } from '../../errors.ts';
import type { Claim, Metric, Scenario, ScenarioGroup } from '../../suite.ts';
import { Held } from '../state/held.ts';
import { valueOf } from './calls.ts';
import { type Shares, Spinners } from './spinners.ts';

const WINDOW_MS = 1000;
const QUICK_WINDOW_MS = 120;
const SETTLE_MS = 50;
const SHARE = 'share';
const CPUS = 'cpus';

/** How the second worker is treated; the answer is read back and compared after each run. */
interface Treatment {
  /** Share that the kernel's weights give it, percent, or null where that depends on the machine. */
  readonly expected: number | null;
  readonly apply: (tid: number) => void;
  /** What is in force, in words. */
  readonly state: (tid: number) => string;
}

/** Percent beside a thread of nice 0, by the weights of kernel/sched/core.c. */
function byWeight(weight: number): number {
  return (100 * weight) / (weight + 1024);
}

const none: Treatment = { expected: 50, apply: () => undefined, state: () => '' };

function niced(value: number, weight: number): Treatment {
  return {
    expected: byWeight(weight),
    apply: (tid) => void valueOf(setNice(value, tid)),
    state: (tid) => `nice ${valueOf(nice(tid))}`,
  };
}

const idle: Treatment = {
  expected: byWeight(3),
  apply: (tid) => void valueOf(setSchedulingPolicy({ policy: 'idle' }, tid)),
  state: (tid) => `policy ${valueOf(schedulingPolicy(tid)).policy}`,
};

/** Where the two are pinned to, of the CPUs that this process may use. */
type Place = 'one CPU' | 'a CPU each' | 'nowhere';

function pin(place: Place, tids: readonly [number, number]): string {
  if (place === 'nowhere') return pinned(tids);
  const allowed = valueOf(affinity());
  const [first, second] = allowed;
  if (place === 'a CPU each' && second === undefined)
    throw new NotMeasurableError(`${allowed.length} CPU to pin two workers to`);
  valueOf(setAffinity([first ?? 0], tids[0]));
  valueOf(setAffinity([(place === 'one CPU' ? first : second) ?? 0], tids[1]));
  return pinned(tids);
}

function pinned(tids: readonly [number, number]): string {
  return tids.map((tid) => valueOf(affinity(tid)).join(',')).join(' and ');
}

interface Running {
  readonly spinners: Spinners;
  readonly state: string;
}

const percent = (share: number): Metric => ({ value: 100 * share, unit: '%' });

function shares(name: string, place: Place, treatment: Treatment): Scenario {
  const held = new Held<Running>();
  let last: Shares | undefined;
  const stateOf = (tids: readonly [number, number]): string =>
    [`on CPU ${pinned(tids)}`, treatment.state(tids[1])].filter(Boolean).join(', ');
  return {
    name,
    role: place === 'nowhere' ? 'limit' : 'ours',
    async setup() {
      const spinners = await Spinners.start();
      try {
        pin(place, spinners.tids);
        treatment.apply(spinners.tids[1]);
        held.set({ spinners, state: stateOf(spinners.tids) });
      } catch (error) {
        await spinners.stop();
        throw error;
      }
    },
    async run({ quick }) {
      last = await held.get().spinners.measure(SETTLE_MS, quick ? QUICK_WINDOW_MS : WINDOW_MS);
      return {
        [SHARE]: percent(last.secondOfBoth),
        shareOfWork: percent(last.secondOfWork),
        ...(treatment.expected === null ? {} : { byWeights: { value: treatment.expected, unit: '%' } }),
        [CPUS]: { value: last.cpus, unit: 'CPUs' },
      };
    },
    check() {
      const { spinners, state } = held.get();
      const found = stateOf(spinners.tids);
      if (found !== state) return `${found}, expected ${state}`;
      const cpus = last?.cpus ?? 0;
      const most = place === 'one CPU' ? 1 : 2;
      return cpus > 0 && cpus < 1.05 * most ? undefined : `both got ${cpus} CPUs, expected at most ${most}`;
    },
    teardown: () => held.take()?.spinners.stop(),
  };
}

const EQUAL = 'one CPU, both alike';
const NICE_5 = 'one CPU, one at nice +5';
const NICE_19 = 'one CPU, one at nice +19';
const IDLE = 'one CPU, one at SCHED_IDLE';
const NICE_MINUS_10 = 'one CPU, one at nice −10';
const APART = 'a CPU each';
const UNPINNED = 'not pinned';

const between = (of: string, atLeast: number, atMost: number): Claim[] => [
  { of, metric: SHARE, atLeast },
  { of, metric: SHARE, atMost },
];

export const cpuShares: ScenarioGroup = {
  kind: 'scenario',
  name: 'shares',
  title: 'The CPU that two spinning workers get',
  note: 'share: CPU time of the one that is treated, by that of both, read by thread id from the main thread. shareOfWork: the same by what they did.',
  rounds: 5,
  scenarios: [
    shares(EQUAL, 'one CPU', none),
    shares(NICE_5, 'one CPU', niced(5, 335)),
    shares(NICE_19, 'one CPU', niced(19, 15)),
    shares(IDLE, 'one CPU', idle),
    shares(NICE_MINUS_10, 'one CPU', niced(-10, 9548)),
    shares(APART, 'a CPU each', { ...none, expected: null }),
    shares(UNPINNED, 'nowhere', { ...none, expected: null }),
  ],
  claims: [
    ...between(EQUAL, 45, 55),
    ...between(NICE_5, 20, 30),
    { of: NICE_19, metric: SHARE, atMost: 4 },
    { of: IDLE, metric: SHARE, atMost: 2 },
    { of: NICE_MINUS_10, metric: SHARE, atLeast: 85 },
    { of: APART, against: EQUAL, metric: CPUS, atLeast: 1.5 },
  ],
};
