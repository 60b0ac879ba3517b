// One run from start to report: upstream, gateway, load, outage, drain, books.
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { serveSnapshots, type SnapshotServer } from '@corelane/perf-counters/socket';
import type { Flags } from './cli/flags.ts';
import { Progress, type ProgressOutput } from './cli/progress.ts';
import { Gateway } from './gateway/gateway.ts';
import {
  DEMO_SECRET,
  DEMO_SOURCE,
  FLOOD_EVENT,
  MAX_BODY_BYTES,
  type GatewayOptions,
} from './gateway/options.ts';
import { payloadsFrom } from './load/payloads.ts';
import { RemoteLoad } from './load/remote.ts';
import { monotonicMs } from './monotonic.ts';
import { collectLedger, endpointRows } from './report/collect.ts';
import { reportOf, type Report } from './report/report.ts';
import { RemoteUpstream } from './upstream/remote.ts';
import type { Outage, Script } from './upstream/schedule.ts';

/** When the upstream is dead, as parts of the run. */
const OUTAGE_FROM = 0.3;
const OUTAGE_TO = 0.5;
const PROGRESS_MS = 250;

/** `--saturate`: 8 deliveries at a time with 2 workers, 20 ms each, make 400 a second; the load could do ten times that. */
const SATURATED_FROM = 0.6;
const SATURATED_DELAY_MS = 20;
const SATURATED: Partial<GatewayOptions> = { deliveriesPerWorker: 4 };

/** `--fault stuck-check`: a thread that checks thousands of bodies a second is stuck a few times in the shortest run. */
const STUCK_CHECK: Partial<GatewayOptions> = { stuckCheckEvery: 2000, checkTimeoutMs: 250 };

export interface DemoIo {
  readonly progress: ProgressOutput;
  /** Aborted when the user has had enough: the load ends, is drained, and reported on. */
  readonly interrupt: AbortSignal;
}

/** Undefined where the system has no place for it: a run does without. */
async function snapshotsOf({ registry }: Gateway): Promise<SnapshotServer | undefined> {
  try {
    return await serveSnapshots(registry);
  } catch (error) {
    process.emitWarning(error as Error);
    return undefined;
  }
}

export class Demo implements AsyncDisposable {
  readonly gateway: Gateway;
  readonly upstream: RemoteUpstream;
  readonly #flags: Flags;
  readonly #io: DemoIo;

  /** For corelane-top. */
  readonly #snapshots: SnapshotServer | undefined;

  private constructor(
    flags: Flags,
    io: DemoIo,
    upstream: RemoteUpstream,
    gateway: Gateway,
    snapshots: SnapshotServer | undefined,
  ) {
    this.#flags = flags;
    this.#io = io;
    this.upstream = upstream;
    this.gateway = gateway;
    this.#snapshots = snapshots;
  }

  /** Starts upstream and gateway. @throws UsageError where the payloads will not do */
  static async start(flags: Flags, io: DemoIo): Promise<Demo> {
    const payloads = flags.payloads === undefined ? [] : payloadsFrom(flags.payloads);
    const largestBytes = Math.max(0, ...payloads.map(({ body }) => body.length));
    const upstream = await RemoteUpstream.start();
    try {
      const { breakers, workers, port, fault, saturate } = flags;
      const gateway = await Gateway.start({
        upstream: upstream.origin,
        port,
        breakers,
        ...bufferOptions(largestBytes),
        ...(workers !== undefined && { workers }),
        ...(saturate && SATURATED),
        ...(fault === 'stuck-check' && STUCK_CHECK),
      });
      return new Demo(flags, io, upstream, gateway, await snapshotsOf(gateway));
    } catch (error) {
      await upstream[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Runs the load to its end, or to the interrupt, drains everything and balances the books. */
  async run(): Promise<Report> {
    const { gateway, upstream } = this;
    const { interrupt } = this.#io;
    const { connections, durationMs, payloads } = this.#flags;
    const load = new RemoteLoad();
    const stop = (): void => load.stop();
    interrupt.addEventListener('abort', stop, { once: true });
    const progress = new AbortController();
    try {
      const running = load.run({
        url: gateway.url,
        durationMs,
        connections,
        source: DEMO_SOURCE,
        secret: DEMO_SECRET,
        ...(payloads !== undefined && { payloads }),
        maxBodyBytes: gateway.settings.maxBodyBytes,
        floodEvent: FLOOD_EVENT,
        hostile: true,
        seed: 1,
      });
      // A signal that was given before there was a listener.
      if (interrupt.aborted) stop();
      const beganMs = await Promise.race([load.began, running.then(() => monotonicMs())]);
      await upstream.run({ outages: this.#outages(), ...this.#delay() });
      const showing = this.#showProgress(load, beganMs, progress.signal);
      const result = await Promise.race([running, gateway.failure]);
      progress.abort();
      await showing;
      await gateway.settled();
      const totals = await upstream.settled();
      const ledger = collectLedger(gateway, result, totals);
      return reportOf(
        {
          node: process.versions.node,
          cpus: availableParallelism(),
          breakers: gateway.settings.breakers,
          workers: gateway.listeners.workers,
          checkThreads: gateway.scheduler.threads,
          reusePort: gateway.listeners.reusePort,
          reusePortReason: gateway.listeners.reason,
          connections,
          payloads: result.payloads,
          durationMs: result.elapsedMs,
          interrupted: interrupt.aborted,
          outages: totals.windows.map((window) => ({
            ...window,
            beganMs: window.beganMs - beganMs,
            endedMs: window.endedMs === null ? null : window.endedMs - beganMs,
          })),
          replacedWorkers: gateway.replacedWorkers,
          saturated: this.#flags.saturate,
          fault: this.#flags.fault,
          replacedCheckThreads: gateway.replacedCheckThreads,
          lastStuckIn: gateway.lastStuckIn ?? null,
        },
        endpointRows(gateway),
        ledger,
      );
    } finally {
      progress.abort();
      interrupt.removeEventListener('abort', stop);
      await load[Symbol.asyncDispose]();
    }
  }

  /** Drains and closes the gateway, then ends the upstream. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.#snapshots?.[Symbol.asyncDispose]();
      await this.gateway.close();
    } finally {
      await this.upstream[Symbol.asyncDispose]();
    }
  }

  #outages(): Outage[] {
    const { outage: mode, durationMs } = this.#flags;
    if (mode === 'none') return [];
    return [{ fromMs: OUTAGE_FROM * durationMs, toMs: OUTAGE_TO * durationMs, mode }];
  }

  #delay(): Partial<Script> {
    const { saturate, durationMs } = this.#flags;
    return saturate ? { delayMs: SATURATED_DELAY_MS, delayFromMs: SATURATED_FROM * durationMs } : {};
  }

  async #showProgress(load: RemoteLoad, beganMs: number, until: AbortSignal): Promise<void> {
    const { gateway } = this;
    const { durationMs } = this.#flags;
    const progress = new Progress(this.#io.progress);
    while (!until.aborted) {
      const books = gateway.books();
      const { accepted, ...others } = books.answers();
      const endpoints = gateway.endpoints();
      const elapsedMs = monotonicMs() - beganMs;
      progress.show({
        elapsedMs,
        durationMs,
        answered: Math.max(load.progress.answered, accepted + sum(others)),
        accepted,
        refused: sum(others),
        openBreakers: endpoints.filter(({ state }) => state === 'open' || state === 'half-open').length,
        endpoints: endpoints.length,
        buffersOut: gateway.pool.capacity - gateway.pool.stats().available,
        upstreamDead: this.#outages().some(({ fromMs, toMs }) => elapsedMs >= fromMs && elapsedMs < toMs),
      });
      await sleep(PROGRESS_MS, undefined, { signal: until }).catch(() => undefined);
    }
    progress.end();
  }
}

/** Payloads of one's own may be larger than GitHub's: then the buffers are, and there are fewer of them. */
function bufferOptions(largestBytes: number): Partial<GatewayOptions> {
  if (largestBytes <= MAX_BODY_BYTES) return {};
  const maxBodyBytes = 2 ** Math.ceil(Math.log2(largestBytes));
  return {
    maxBodyBytes,
    buffers: Math.max(32, Math.floor((64 << 20) / maxBodyBytes)),
    inflate: { maxBytes: Math.max(1 << 20, maxBodyBytes) },
  };
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}
