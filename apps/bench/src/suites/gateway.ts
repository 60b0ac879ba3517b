// The gateway app under load with an upstream that dies: how many calls still go to it once a breaker has opened.
import type { Role, Scenario, ScenarioGroup, Suite } from '../suite.ts';
import {
  BEYOND,
  faultOf,
  metricsOf,
  runGateway,
  URGENT_SHARE,
  waitsOf,
  type GatewayReport,
} from './gateway/run.ts';

const SHARED = 'one state word for all workers';
const PER_WORKER = 'one opossum breaker per worker';

/** More workers than most machines for tests have CPUs: it is calls that are counted, not time. */
const WORKERS = 4;
const CONNECTIONS = 32;
const SECONDS = 8;
const QUICK_SECONDS = 4;

function gateway(
  name: string,
  role: Exclude<Role, 'empty'>,
  breakers: 'shared' | 'per-worker',
  note: string,
): Scenario {
  let last: GatewayReport | undefined;
  return {
    name,
    role,
    note,
    async run({ quick }) {
      last = await runGateway({
        breakers,
        workers: WORKERS,
        connections: CONNECTIONS,
        seconds: quick ? QUICK_SECONDS : SECONDS,
      });
      return metricsOf(last);
    },
    check: () => (last === undefined ? 'no report' : faultOf(last)),
  };
}

function saturated(): Scenario {
  let last: GatewayReport | undefined;
  return {
    name: QUEUED,
    role: 'ours',
    async run({ quick }) {
      last = await runGateway({
        breakers: 'shared',
        workers: WORKERS,
        connections: 2 * CONNECTIONS,
        seconds: quick ? QUICK_SECONDS : SECONDS,
        saturate: true,
      });
      return waitsOf(last);
    },
    check: () => (last === undefined ? 'no report' : faultOf(last)),
  };
}

const outage: ScenarioGroup = {
  kind: 'scenario',
  name: 'outage',
  title: `Calls to an upstream that is dead for a fifth of the run, ${WORKERS} HTTP workers`,
  note: 'Real webhooks with a hostile share. Leaked: arrivals that the upstream stamped after the first breaker of their endpoint had opened.',
  rounds: 5,
  scenarios: [
    gateway(SHARED, 'ours', 'shared', 'opens for all workers at once; three probes'),
    gateway(
      PER_WORKER,
      'peer',
      'per-worker',
      'same threshold, window and duration; every worker finds out for itself; no rate limits',
    ),
  ],
  claims: [{ of: SHARED, metric: BEYOND, atMost: 0 }],
};

const QUEUED = 'event buffer, urgent events first';

const saturation: ScenarioGroup = {
  kind: 'scenario',
  name: 'saturation',
  title: 'Events in front of an upstream that is slower than the load for two fifths of the run',
  note: 'Security events are urgent. Waits are from the acceptance of an event to its delivery, over the whole run.',
  rounds: 3,
  scenarios: [saturated()],
  claims: [{ of: QUEUED, metric: URGENT_SHARE, atMost: 1 }],
};

export const suite: Suite = {
  name: 'gateway',
  title: 'The gateway with an upstream that dies, against one breaker per worker',
  groups: [outage, saturation],
};
