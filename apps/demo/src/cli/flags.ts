// The command line. What is wrong with it is said in one line, and the exit code is 2.
import { parseArgs } from 'node:util';
import { UsageError } from '../errors.ts';
import type { Breakers } from '../gateway/options.ts';
import { parseScript, type OutageMode } from '../upstream/schedule.ts';

export interface Flags {
  readonly help: boolean;
  readonly json: boolean;
  readonly keep: boolean;
  readonly durationMs: number;
  readonly connections: number;
  readonly workers: number | undefined;
  readonly port: number;
  readonly payloads: string | undefined;
  readonly outage: OutageMode | 'none';
  readonly breakers: Breakers;
  readonly saturate: boolean;
  readonly fault: Fault;
}

/** What breaks in the gateway itself while the load runs. */
export type Fault = 'none' | 'stuck-check';

export const HELP = `npm run demo -- [flags]

A webhook gateway on all cores, a load of real GitHub payloads with a share of hostile requests, an upstream that dies for a while, and
a report whose books must balance.

  --duration SECONDS   how long the load runs (10)
  --connections N      concurrent senders (32)
  --workers N          HTTP worker threads (one per CPU, at least 2)
  --port N             port of the gateway (0: a free one)
  --payloads DIR       send the .json files of a directory in place of GitHub's 329 examples; the event is the folder's name, or the
                       file's where it lies in no folder
  --outage MODE        how the upstream is dead from 30 % to 50 % of the run: reset (default), hang, refuse, 'status 5xx', or none
  --breakers WHICH     shared (default): one state word an endpoint for all workers; per-worker: one opossum breaker an endpoint on each
                       worker, for comparison
  --saturate           from 60 % of the run on the upstream is slower than the load: events wait, and urgent ones overtake
  --fault WHICH        none (default); stuck-check: now and then the check of a body never comes back, and its thread has to be replaced
  --json               print the report as one JSON document
  --keep               stay up after the report, until Ctrl-C
  --help               this text

Ctrl-C ends the load early, drains, and still reports. Exit codes: 0 the books balance, 1 they do not or something failed, 2 usage.
`;

/** @throws UsageError */
export function parseFlags(args: readonly string[]): Flags {
  const { values } = parse(args);
  return {
    help: values.help ?? false,
    json: values.json ?? false,
    keep: values.keep ?? false,
    durationMs: Math.round(number('duration', values.duration, 10, 0.5, 86_400) * 1000),
    connections: integer('connections', values.connections, 32, 1, 10_000),
    workers: values.workers === undefined ? undefined : integer('workers', values.workers, 2, 1, 64),
    port: integer('port', values.port, 0, 0, 65_535),
    payloads: values.payloads,
    outage: outageMode(values.outage ?? 'reset'),
    breakers: breakers(values.breakers ?? 'shared'),
    saturate: values.saturate ?? false,
    fault: fault(values.fault ?? 'none'),
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      strict: true,
      allowPositionals: false,
      options: {
        help: { type: 'boolean', short: 'h' },
        json: { type: 'boolean' },
        keep: { type: 'boolean' },
        duration: { type: 'string' },
        connections: { type: 'string' },
        workers: { type: 'string' },
        port: { type: 'string' },
        payloads: { type: 'string' },
        outage: { type: 'string' },
        breakers: { type: 'string' },
        saturate: { type: 'boolean' },
        fault: { type: 'string' },
      },
    });
  } catch (cause) {
    throw new UsageError((cause as Error).message, { cause });
  }
}

function number(
  flag: string,
  text: string | undefined,
  fallback: number,
  least: number,
  most: number,
): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (text.trim() === '' || !(value >= least && value <= most))
    throw new UsageError(`--${flag} is ${JSON.stringify(text)}, expected a number from ${least} to ${most}`);
  return value;
}

function integer(
  flag: string,
  text: string | undefined,
  fallback: number,
  least: number,
  most: number,
): number {
  const value = number(flag, text, fallback, least, most);
  if (!Number.isInteger(value))
    throw new UsageError(
      `--${flag} is ${JSON.stringify(text)}, expected an integer from ${least} to ${most}`,
    );
  return value;
}

function breakers(which: string): Breakers {
  if (which === 'shared' || which === 'per-worker') return which;
  throw new UsageError(`--breakers is ${JSON.stringify(which)}, expected shared or per-worker`);
}

function fault(which: string): Fault {
  if (which === 'none' || which === 'stuck-check') return which;
  throw new UsageError(`--fault is ${JSON.stringify(which)}, expected none or stuck-check`);
}

function outageMode(mode: string): OutageMode | 'none' {
  if (mode === 'none') return mode;
  try {
    return parseScript({ outages: [{ fromMs: 0, toMs: 1, mode }] }).outages[0]?.mode ?? 'none';
  } catch (cause) {
    throw new UsageError(
      `--outage is ${JSON.stringify(mode)}, expected reset, hang, refuse, 'status 5xx' or none`,
      { cause },
    );
  }
}
