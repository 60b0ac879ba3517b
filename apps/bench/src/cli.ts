import { randomInt } from 'node:crypto';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { UsageError, messageOf } from './errors.ts';
import { FULL, MIN_ROUNDS, type Profile, QUICK } from './profile.ts';

export const HELP = `npm run bench -- --suite NAME [options]

  --suite NAME            a suite to run; may be repeated
  --group TEXT            only groups whose name contains TEXT
  --quick                 1 to 3 short rounds: checks results; the figures are no evidence
  --json                  one JSON document on stdout and nothing else
  --strict                a missed target exits 1, an undecided one 3
  --list                  the suites and their groups
  --rounds N              clean rounds per group, at least ${MIN_ROUNDS} (default ${FULL.rounds})
  --batch-ms N            least duration of a batch (default ${FULL.batchMs})
  --warmup-ms N           warm-up of each case (default ${FULL.warmupMs})
  --max-foreign-cpus N    rounds with more foreign work are dropped and repeated (default ${FULL.maxForeignCpus})
  --seed N                orders the cases and draws the intervals (default random; printed)
  --from FILE             a module that exports \`suites\`, in place of the built-in registry
  --help

exit codes: 0 fine, 1 a wrong result (or with --strict a missed target), 2 usage, 3 inconclusive`;

export interface Options {
  readonly suites: readonly string[];
  readonly group: string | undefined;
  readonly json: boolean;
  readonly strict: boolean;
  readonly list: boolean;
  readonly help: boolean;
  /** Absolute path. */
  readonly from: string | undefined;
  readonly profile: Profile;
}

const MAX_SEED = 2 ** 31;

/** @throws UsageError */
export function parseOptions(args: readonly string[]): Options {
  const values = parse(args);
  const { quick = false, strict = false, json = false, list = false, help = false } = values;
  if (quick && strict)
    throw new UsageError('--strict judges targets, and the figures of --quick are no evidence');
  if (quick && values.rounds !== undefined)
    throw new UsageError(`--quick does ${QUICK.rounds} rounds; leave out --rounds`);
  if (!list && !help && !values.suite?.length) throw new UsageError('--suite NAME is missing');
  const base = quick ? QUICK : FULL;
  return {
    suites: [...new Set(values.suite)],
    group: values.group,
    json,
    strict,
    list,
    help,
    from: values.from === undefined ? undefined : resolve(values.from),
    profile: {
      quick,
      rounds: integer('--rounds', values.rounds, base.rounds, quick ? QUICK.rounds : MIN_ROUNDS),
      batchMs: positive('--batch-ms', values['batch-ms'], base.batchMs),
      warmupMs: positive('--warmup-ms', values['warmup-ms'], base.warmupMs),
      maxForeignCpus: positive('--max-foreign-cpus', values['max-foreign-cpus'], base.maxForeignCpus),
      seed: integer('--seed', values.seed, randomInt(MAX_SEED), 0),
    },
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      strict: true,
      allowPositionals: false,
      options: {
        suite: { type: 'string', multiple: true },
        group: { type: 'string' },
        quick: { type: 'boolean' },
        json: { type: 'boolean' },
        strict: { type: 'boolean' },
        list: { type: 'boolean' },
        rounds: { type: 'string' },
        'batch-ms': { type: 'string' },
        'warmup-ms': { type: 'string' },
        'max-foreign-cpus': { type: 'string' },
        seed: { type: 'string' },
        from: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (cause) {
    throw new UsageError(messageOf(cause), { cause });
  }
}

function positive(option: string, text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!(Number.isFinite(value) && value > 0 && text.trim() !== ''))
    throw new UsageError(`${option} ${text}: expected a number above 0`);
  return value;
}

function integer(option: string, text: string | undefined, fallback: number, least: number): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < least || value >= MAX_SEED || text.trim() === '')
    throw new UsageError(`${option} ${text}: expected an integer from ${least} to ${MAX_SEED - 1}`);
  return value;
}
