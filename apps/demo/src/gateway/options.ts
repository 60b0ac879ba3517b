// What a gateway can be told. Everything here is plain data: it travels to the threads as it is.
import type { EndpointOptions } from '@corelane/atomic-state';
import type { InflateCaps } from '../checks/encoding.ts';
import { checkOptionNames, checkSettings } from './settings-check.ts';

export interface GatewayOptions {
  /** Port of all HTTP workers; 0, the default, takes a free one. */
  readonly port?: number;
  /** Address to listen on; the loopback by default. */
  readonly host?: string;
  /** HTTP worker threads; by default as many as there are CPUs for this process, at least 2. */
  readonly workers?: number;
  /** Threads that check bodies; half as many as there are CPUs by default, at least 1. */
  readonly checkThreads?: number;
  /** False: one worker listens alone, as it must where threads cannot share a port. By default they share it where they can. */
  readonly reusePort?: boolean;
  /** Where accepted events go, e.g. `http://127.0.0.1:9000`: `POST /<source>/<event>`. */
  readonly upstream: string;
  /** Who may send, and the secret that each signs with. */
  readonly sources?: Readonly<Record<string, { readonly secret: string }>>;
  /** Body size in bytes, as it arrives: the size of a pooled buffer. */
  readonly maxBodyBytes?: number;
  /** Pooled buffers, over all workers. */
  readonly buffers?: number;
  /**
   * Share of the buffers that bodies may hold which are not all there yet, above 0, at most 1; a half by default. Each worker has its part
   * of it; where one more body comes, the one that has been at it longest is cut.
   */
  readonly unfinishedShare?: number;
  /** Levels of arrays and objects in a body. */
  readonly maxDepth?: number;
  readonly inflate?: Partial<InflateCaps>;
  /**
   * `shared`, the default: one state word for each endpoint, for all workers. `per-worker`: one opossum breaker for each endpoint on each
   * worker, for comparison; then there are no rate limits, and the state words stay as they were made.
   */
  readonly breakers?: Breakers;
  /** How an endpoint behaves, unless `limits` has its name. */
  readonly breaker?: EndpointOptions;
  readonly limits?: Readonly<Record<string, EndpointOptions>>;
  /** Endpoints (source/event) at most. */
  readonly endpoints?: number;
  /** Milliseconds until the check of a body that is not done is given up, and its thread replaced. */
  readonly checkTimeoutMs?: number;
  /** Events that wait for a delivery, of each priority, rounded up to a power of two; more are refused. */
  readonly eventCapacity?: number;
  /** Milliseconds that an event may wait for a delivery. */
  readonly queueTimeoutMs?: number;
  /** Milliseconds until an upstream that does not answer counts as failed. */
  readonly deliveryTimeoutMs?: number;
  /** Deliveries at once, for each worker: keep-alive connections to the upstream. */
  readonly deliveriesPerWorker?: number;
  /** Milliseconds until the headers, and the whole of a request, must be there. */
  readonly headersTimeoutMs?: number;
  readonly requestTimeoutMs?: number;
  /** For fault injection: a check thread never comes back from the body of this number that it has been given. 0, the default: never. */
  readonly stuckCheckEvery?: number;
}

export type Breakers = 'shared' | 'per-worker';

/** Options with every default filled in. */
export interface Settings {
  readonly port: number;
  readonly host: string;
  readonly workers: number;
  readonly checkThreads: number;
  readonly reusePort: boolean;
  readonly upstream: string;
  readonly sources: Readonly<Record<string, { readonly secret: string }>>;
  readonly maxBodyBytes: number;
  readonly buffers: number;
  readonly unfinishedShare: number;
  /** Bodies that one worker may be reading at a time. */
  readonly unfinishedPerWorker: number;
  readonly maxDepth: number;
  readonly inflate: InflateCaps;
  readonly breakers: Breakers;
  readonly breaker: EndpointOptions;
  readonly limits: Readonly<Record<string, EndpointOptions>>;
  readonly endpoints: number;
  readonly checkTimeoutMs: number;
  readonly eventCapacity: number;
  readonly queueTimeoutMs: number;
  readonly deliveryTimeoutMs: number;
  readonly deliveriesPerWorker: number;
  readonly headersTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly stuckCheckEvery: number;
}

export const DEMO_SOURCE = 'github';
/** Of the demo's own client and gateway only. */
export const DEMO_SECRET = "It's a Secret to Everybody";
/** Its endpoint has few tokens, so that the load can show throttling: nobody needs 20 pings a second. */
export const FLOOD_EVENT = 'ping';

export const MAX_BODY_BYTES = 65_536;
export const MAX_DEPTH = 64;

/** For runs of seconds: a breaker that stays open for a second, not for the usual thirty. Guessed, not tuned. */
const BREAKER: EndpointOptions = {
  failureThreshold: 5,
  failureWindowMs: 10_000,
  resetTimeout: 1000,
  halfOpenProbes: 3,
  closeRatio: 0.8,
  burst: 250,
  refillPerSecond: 5000,
};

/** @param cpus CPUs that this process may use @throws SettingError */
export function settingsOf(options: GatewayOptions, cpus: number): Settings {
  checkOptionNames(options);
  const settings = withDefaults(options, cpus);
  checkSettings(settings);
  return settings;
}

function withDefaults(options: GatewayOptions, cpus: number): Settings {
  const breaker = { ...BREAKER, ...options.breaker };
  const { buffers = 256, unfinishedShare = 0.5, workers = Math.max(2, cpus) } = options;
  return {
    port: options.port ?? 0,
    host: options.host ?? '127.0.0.1',
    workers,
    checkThreads: options.checkThreads ?? Math.max(1, Math.floor(cpus / 2)),
    reusePort: options.reusePort ?? true,
    upstream: options.upstream,
    sources: options.sources ?? { [DEMO_SOURCE]: { secret: DEMO_SECRET } },
    maxBodyBytes: options.maxBodyBytes ?? MAX_BODY_BYTES,
    buffers,
    unfinishedShare,
    unfinishedPerWorker: Math.max(1, Math.floor((buffers * unfinishedShare) / workers)),
    maxDepth: options.maxDepth ?? MAX_DEPTH,
    inflate: { maxBytes: 1 << 20, maxRatio: 100, maxMs: 1000, ...options.inflate },
    breakers: options.breakers ?? 'shared',
    breaker,
    limits: options.limits ?? {
      [`${DEMO_SOURCE}/${FLOOD_EVENT}`]: { ...breaker, burst: 10, refillPerSecond: 20 },
    },
    endpoints: options.endpoints ?? 256,
    checkTimeoutMs: options.checkTimeoutMs ?? 2000,
    eventCapacity: options.eventCapacity ?? 256,
    queueTimeoutMs: options.queueTimeoutMs ?? 1000,
    deliveryTimeoutMs: options.deliveryTimeoutMs ?? 500,
    deliveriesPerWorker: options.deliveriesPerWorker ?? 64,
    headersTimeoutMs: options.headersTimeoutMs ?? 5000,
    requestTimeoutMs: options.requestTimeoutMs ?? 10_000,
    stuckCheckEvery: options.stuckCheckEvery ?? 0,
  };
}
