// The command line of corelane-top.
import { parseArgs } from 'node:util';
import type { SortKey } from './rows.ts';

export interface TopArguments {
  /** Pid or path; undefined: list who serves. */
  readonly target: number | string | undefined;
  readonly everyMs: number;
  /** Tables or lines at most; Infinity: until the process ends. */
  readonly count: number;
  readonly isJson: boolean;
  readonly sort: SortKey;
  readonly filter: string;
  readonly perWriter: boolean;
}

export type ParsedArguments =
  | { readonly kind: 'run'; readonly run: TopArguments }
  | { readonly kind: 'help' }
  | { readonly kind: 'wrong'; readonly why: string };

export const USAGE = `corelane-top [options] [pid | path of a socket]

Shows the metrics of a process that serves them (serveSnapshots of @corelane/perf-counters/socket).
Without a process: lists those that serve at their default path.

  -i, --interval <seconds>  between figures, 0.05 to 3600; 1
  -n, --count <number>      ends after so many tables
      --once                --count 1: at once, without rates
      --json                a snapshot a line, as JSON
  -s, --sort <by>           name, value or rate; name
  -f, --filter <text>       only series whose name or labels have it
  -w, --per-writer          with what each thread has
  -h, --help

Keys: q quit, s sort, / filter, w writers, r quantiles of what is recent, p pause, arrows and pages scroll.
Where the output is no terminal, tables are printed one after the other.
Exit codes: 0 fine, also where the process has stopped serving; 1 no such process, or lost; 2 usage.
`;

export function parseTopArguments(argv: readonly string[]): ParsedArguments {
  let parsed;
  try {
    parsed = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        interval: { type: 'string', short: 'i', default: '1' },
        count: { type: 'string', short: 'n' },
        once: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        sort: { type: 'string', short: 's', default: 'name' },
        filter: { type: 'string', short: 'f', default: '' },
        'per-writer': { type: 'boolean', short: 'w', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    return { kind: 'wrong', why: (error as Error).message };
  }
  const { values, positionals } = parsed;
  if (values.help) return { kind: 'help' };
  if (positionals.length > 1)
    return { kind: 'wrong', why: `one process at a time, found ${positionals.length}` };
  const everyMs = Math.round(decimal(values.interval) * 1000);
  if (!(everyMs >= 50 && everyMs <= 3_600_000))
    return { kind: 'wrong', why: `--interval is ${values.interval}, expected 0.05 to 3600 (seconds)` };
  if (values.once && values.count !== undefined)
    return { kind: 'wrong', why: '--once is --count 1: expected one of them' };
  const count = values.once ? 1 : values.count === undefined ? Infinity : decimal(values.count);
  if (count !== Infinity && !(Number.isSafeInteger(count) && count >= 1))
    return { kind: 'wrong', why: `--count is ${values.count}, expected an integer from 1` };
  const { sort } = values;
  if (sort !== 'name' && sort !== 'value' && sort !== 'rate')
    return { kind: 'wrong', why: `--sort is ${sort}, expected name, value or rate` };
  const run = {
    target: target(positionals[0]),
    everyMs,
    count,
    isJson: values.json,
    sort,
    filter: values.filter,
    perWriter: values['per-writer'],
  } as const;
  return { kind: 'run', run };
}

function target(text: string | undefined): number | string | undefined {
  return text !== undefined && /^[1-9]\d*$/.test(text) ? Number(text) : text;
}

/** NaN for what is not one. */
function decimal(text: string): number {
  return /^\d+(\.\d+)?$|^\.\d+$/.test(text) ? Number(text) : Number.NaN;
}
