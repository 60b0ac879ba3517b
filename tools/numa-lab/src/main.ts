/** The command `npm run numa-lab`. */
import { join } from 'node:path';
import { LabError } from './errors.ts';
import { runMachine } from './lab.ts';
import { HELP, parseOptions } from './options.ts';
import type { MachineReport } from './table.ts';
import { allPassed, machineTable, summary } from './table.ts';

const EXIT_CODES = { passed: 0, failed: 1, usage: 2, cannotRun: 3 } as const;

async function main(args: readonly string[]): Promise<number> {
  const options = parseOptions(args);
  if (options.help) {
    process.stdout.write(HELP);
    return EXIT_CODES.passed;
  }
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort(signal));
  const reports: MachineReport[] = [];
  for (const machine of options.machines) {
    if (stop.signal.aborted) break;
    const outcome = await runMachine(machine, {
      ...options,
      repository: join(import.meta.dirname, '../../..'),
      signal: stop.signal,
      say,
      onResult: ({ suite, test, verdict }) =>
        say(`${verdict === 'passed' ? 'passed' : 'FAILED'} ${suite}: ${test}`),
    });
    const { name, title, architecture } = machine;
    reports.push({ machine: { name, title, architecture }, outcome });
    if (!options.json) process.stdout.write(`\n${machineTable({ machine, outcome })}\n`);
  }
  const passed = allPassed(reports) && !stop.signal.aborted;
  if (options.json)
    process.stdout.write(`${JSON.stringify({ passed, machines: reports.map(json) }, null, 2)}\n`);
  else process.stdout.write(`\n${summary(reports)}\n`);
  return passed ? EXIT_CODES.passed : EXIT_CODES.failed;
}

function say(text: string): void {
  process.stderr.write(`numa-lab: ${text}\n`);
}

function json({ machine, outcome }: MachineReport) {
  const { problem, ...rest } = outcome;
  return {
    ...machine,
    ...rest,
    problem: problem === null ? null : { code: problem.code, message: problem.message },
  };
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  // The system's errors (a disk that is full, a cache that is not ours) carry the call and the path in their messages.
  if (!(error instanceof LabError) && !(error instanceof Error && 'syscall' in error)) throw error;
  say(error.message);
  const isUsage = error instanceof LabError && error.code === 'ERR_LAB_USAGE';
  process.exitCode = isUsage ? EXIT_CODES.usage : EXIT_CODES.cannotRun;
}
