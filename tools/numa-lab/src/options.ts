/** The command line. */
import { parseArgs } from 'node:util';
import { LabError } from './errors.ts';
import type { Machine } from './machine.ts';
import { MACHINES } from './machine.ts';

export interface LabOptions {
  readonly machines: readonly Machine[];
  readonly json: boolean;
  readonly keep: boolean;
  readonly refresh: boolean;
  readonly help: boolean;
  /** Only tests whose `suite: test` contains this. */
  readonly only: string | null;
  /** Time for a test, and half of the time for the boot. */
  readonly timeoutSeconds: number;
}

export const HELP = `npm run numa-lab -- [--machine NAME]… [--only TEXT] [--json] [--keep] [--refresh] [--timeout SECONDS]

Boots machines under QEMU in software emulation and runs the placement tests of @corelane/platform in them.

  --machine NAME     only this one; may come several times:
${MACHINES.map(({ name, title }) => `                       ${name.padEnd(10)}${title}`).join('\n')}
  --only TEXT        only tests whose "suite: test" contains TEXT
  --json             JSON instead of the tables
  --keep             keep the console, the results and the initramfs, with a script that starts the same machine again
  --refresh          fetch the Debian packages again
  --timeout SECONDS  for each test (60); booting may take twice that
  --help             this text

Exit codes: 0 all passed, 1 a test failed or a machine did not come to its end, 2 usage, 3 the lab can't run here.
`;

/** @throws LabError `ERR_LAB_USAGE`. */
export function parseOptions(args: readonly string[]): LabOptions {
  const { values } = parse(args);
  const names = values.machine ?? MACHINES.map(({ name }) => name);
  const timeoutSeconds = Number(values.timeout ?? '60');
  if (!(timeoutSeconds >= 1 && timeoutSeconds <= 3600))
    throw usage(`--timeout is ${values.timeout}, expected 1 to 3600 seconds`);
  return {
    machines: [...new Set(names)].map(machineNamed),
    json: values.json ?? false,
    keep: values.keep ?? false,
    refresh: values.refresh ?? false,
    help: values.help ?? false,
    only: values.only ?? null,
    timeoutSeconds,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        machine: { type: 'string', multiple: true },
        only: { type: 'string' },
        json: { type: 'boolean' },
        keep: { type: 'boolean' },
        refresh: { type: 'boolean' },
        timeout: { type: 'string' },
        help: { type: 'boolean' },
      },
    });
  } catch (error) {
    throw usage(error instanceof Error ? error.message : String(error));
  }
}

function machineNamed(name: string): Machine {
  const machine = MACHINES.find((each) => each.name === name);
  if (machine !== undefined) return machine;
  throw usage(`no machine ${JSON.stringify(name)}; there are: ${MACHINES.map((m) => m.name).join(', ')}`);
}

function usage(message: string): LabError {
  return new LabError('ERR_LAB_USAGE', `${message}\n\n${HELP}`);
}
