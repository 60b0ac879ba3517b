// One run of the gateway app as a whole: its own processes, its own load, its own conservation check.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Metric } from '../../suite.ts';

/** Milliseconds that events waited for a delivery. */
interface EventFigures {
  readonly waitMs: { readonly count: number; readonly p50: number | null; readonly p99: number | null };
}

/** The part of the report of `apps/demo --json` that is read here. */
export interface GatewayReport {
  readonly balanced: boolean;
  /** In groups. */
  readonly equations: Readonly<Record<string, readonly { readonly name: string; readonly holds: boolean }[]>>;
  readonly facts: { readonly workers: number; readonly reusePort: boolean; readonly reusePortReason: string };
  readonly ledger: {
    readonly client: {
      readonly answered: number;
      readonly elapsedMs: number;
      readonly latency: { readonly all: { readonly p50: number | null; readonly p99: number | null } };
    };
    readonly gateway: { readonly records: { readonly tripped: number } };
    readonly events: { readonly byPriority: Readonly<Record<'urgent' | 'normal', EventFigures>> };
    readonly leak: {
      readonly leaked: number;
      readonly leakedProbes: number;
      readonly inFlightAtTrip: number;
    };
  };
}

export interface RunOptions {
  readonly breakers: 'shared' | 'per-worker';
  readonly workers: number;
  readonly connections: number;
  readonly seconds: number;
  /** From 60 % of the run on the upstream is slower than the load. */
  readonly saturate?: boolean;
}

/** Calls that reached the dead upstream after a breaker had opened, beyond those in flight at the trip and the probes. */
export const BEYOND = 'beyondInFlightAndProbes';

/** The wait that 99 % of urgent events stay below, by that of normal ones. */
export const URGENT_SHARE = 'urgentWaitShare';

/** The built app; from source where this runs from source. */
function command(): { readonly file: string; readonly flags: readonly string[] } {
  const fromSource = import.meta.url.endsWith('.ts');
  // Bundled into the root of dist; in src this file is two folders further down.
  const path = fromSource ? '../../../../demo/src/main.ts' : '../../demo/dist/main.js';
  const file = fileURLToPath(new URL(path, import.meta.url));
  if (!existsSync(file)) throw new Error(`${file} is not there: build apps/demo first`);
  return { file, flags: fromSource ? ['--conditions=@corelane/source'] : [] };
}

/** @throws Error where the app fails otherwise than by books that do not balance */
export async function runGateway(options: RunOptions): Promise<GatewayReport> {
  const { breakers, workers, connections, seconds, saturate = false } = options;
  const { file, flags } = command();
  const args = [
    '--json',
    '--breakers',
    breakers,
    '--workers',
    workers,
    '--connections',
    connections,
    '--duration',
    seconds,
    ...(saturate ? ['--saturate'] : []),
  ];
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  execFile(
    process.execPath,
    [...flags, file, ...args.map(String)],
    { maxBuffer: 64 << 20 },
    (error, stdout, stderr) => {
      // Exit code 1 with a report: the books do not balance, which `check` says better.
      if (error !== null && !stdout.startsWith('{'))
        reject(new Error(stderr.trim() || error.message, { cause: error }));
      else resolve(stdout);
    },
  );
  return JSON.parse(await promise) as GatewayReport;
}

function calls(value: number): Metric {
  return { value, unit: 'calls' };
}

export function metricsOf({ ledger: { client, gateway, leak } }: GatewayReport): Record<string, Metric> {
  return {
    leaked: calls(leak.leaked),
    inFlightAtTrip: calls(leak.inFlightAtTrip),
    probesToTheDead: calls(leak.leakedProbes),
    [BEYOND]: calls(Math.max(0, leak.leaked - leak.leakedProbes - leak.inFlightAtTrip)),
    trips: { value: gateway.records.tripped, unit: 'trips' },
    answered: { value: Math.round(client.answered / (client.elapsedMs / 1000)), unit: 'requests/s' },
  };
}

function ms(value: number | null): Metric {
  return { value: value ?? 0, unit: 'ms' };
}

/** Of a run with `saturate`. */
export function waitsOf({ ledger: { events } }: GatewayReport): Record<string, Metric> {
  const { urgent, normal } = events.byPriority;
  return {
    [URGENT_SHARE]: { value: (urgent.waitMs.p99 ?? 0) / (normal.waitMs.p99 ?? 1), unit: 'of normal' },
    urgentWaitP99: ms(urgent.waitMs.p99),
    normalWaitP99: ms(normal.waitMs.p99),
    urgentWaitP50: ms(urgent.waitMs.p50),
    normalWaitP50: ms(normal.waitMs.p50),
    urgentEvents: { value: urgent.waitMs.count, unit: 'events' },
    normalEvents: { value: normal.waitMs.count, unit: 'events' },
  };
}

/** What is wrong with the state that the run left, or undefined. */
export function faultOf(report: GatewayReport): string | undefined {
  const { balanced, equations, facts, ledger } = report;
  if (!facts.reusePort) return `1 HTTP worker in place of several: ${facts.reusePortReason}`;
  if (!balanced) {
    const broken = Object.values(equations)
      .flat()
      .filter(({ holds }) => !holds)
      .map(({ name }) => name);
    return `equations that do not hold: ${broken.join('; ')}`;
  }
  // A run in which nothing tripped says nothing.
  return ledger.gateway.records.tripped > 0 ? undefined : 'no breaker tripped';
}
