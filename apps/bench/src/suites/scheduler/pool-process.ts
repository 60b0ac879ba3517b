// The process of one contestant: its own heap, its own CPU time.
import { fileURLToPath } from 'node:url';
import { collectYoung } from '../../collect.ts';
import { observeSpent, serveRequests, type Spent } from '../../companion.ts';
import type { Metric } from '../../suite.ts';
import { type Backlog, queueUp } from './backlog.ts';
import type { Contestant, ContestantOptions } from './contestant.ts';
import { CONTESTANTS, type ContestantName } from './contestants.ts';
import { delayMetrics, observeDelays } from './delays.ts';
import { Latencies } from './latencies.ts';
import { digests, doubles, doublesUntil, paced, singly, untilAllRan } from './loads.ts';
import { makePayloads, type Payload } from './payloads.ts';

export type PoolLoad = 'doubles' | 'digests' | 'paced';

export type PoolRequest =
  | ({ readonly type: 'start'; readonly name: ContestantName } & ContestantOptions)
  | { readonly type: 'run'; readonly load: PoolLoad; readonly operations: number }
  | { readonly type: 'queue'; readonly tasks: number }
  | { readonly type: 'delays'; readonly milliseconds: number }
  | { readonly type: 'close' };

export interface StartAnswer {
  /** Loading of the library, and of what it loads. */
  readonly loadMs: number;
  /** From its construction until every worker has run a task. */
  readonly startMs: number;
  /** What that added to the resident memory of the process. */
  readonly startBytes: number;
}

export interface RunAnswer extends Spent {
  readonly successful: number;
  readonly latencies: Readonly<Record<string, Metric>>;
}

export type QueueAnswer = Backlog;

export interface DelaysAnswer {
  readonly metrics: Readonly<Record<string, Metric>>;
  readonly submitted: number;
  readonly successful: number;
}

type Answer = StartAnswer | RunAnswer | QueueAnswer | DelaysAnswer | null;

/** One every 300 µs: rarely enough that nobody still spins. */
const PACE_MS = 0.3;

interface Started {
  readonly contestant: Contestant;
  readonly options: ContestantOptions;
  readonly payloads: readonly Payload[];
}

let started: Started | undefined;
const latencies = new Latencies();

function get(): Started {
  if (started === undefined) throw new Error('a request before the start');
  return started;
}

async function start(request: Extract<PoolRequest, { type: 'start' }>): Promise<StartAnswer> {
  const { name, ...options } = request;
  const beforeBytes = process.memoryUsage.rss();
  const before = performance.now();
  const create = await CONTESTANTS[name]();
  const loaded = performance.now();
  const contestant = create(options);
  await untilAllRan(contestant, name === 'call, no thread' ? 1 : options.threads);
  const startMs = performance.now() - loaded;
  const { payloadBytes } = options;
  started = { contestant, options, payloads: payloadBytes > 0 ? makePayloads(contestant, payloadBytes) : [] };
  return { loadMs: loaded - before, startMs, startBytes: process.memoryUsage.rss() - beforeBytes };
}

async function load(kind: PoolLoad, operations: number): Promise<number> {
  const { contestant, options, payloads } = get();
  if (kind === 'paced') return paced(contestant, operations, PACE_MS, latencies);
  if (kind === 'digests') return digests(contestant, operations, options.inFlight, payloads);
  return options.inFlight === 1
    ? singly(contestant, operations, latencies)
    : doubles(contestant, operations, options.inFlight);
}

async function run({ load: kind, operations }: Extract<PoolRequest, { type: 'run' }>): Promise<RunAnswer> {
  latencies.clear();
  collectYoung();
  const spent = observeSpent();
  const successful = await load(kind, operations);
  return { successful, ...spent(), latencies: latencies.metrics() };
}

/** Keeps its tasks in flight, and observes how late this thread is with all else. */
async function delays({ milliseconds }: Extract<PoolRequest, { type: 'delays' }>): Promise<DelaysAnswer> {
  const { contestant, options } = get();
  const state = { isOver: false };
  const file = fileURLToPath(import.meta.url);
  const observed = observeDelays(milliseconds, file).finally(() => (state.isOver = true));
  const done = await doublesUntil(contestant, options.inFlight, () => state.isOver);
  return { metrics: delayMetrics(await observed), ...done };
}

serveRequests(async (request: PoolRequest): Promise<Answer> => {
  if (request.type === 'start') return start(request);
  if (request.type === 'run') return run(request);
  if (request.type === 'delays') return delays(request);
  if (request.type === 'queue') return queueUp(get().contestant, get().options.threads, request.tasks);
  await get().contestant.close();
  started = undefined;
  return null;
});
