/** The command `corelane-topology`, apart from the process that runs it. */
import { statSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { PlatformError } from './errors.ts';
import { nodeFileSystem } from './machine/file-system.ts';
import { limits } from './limits/limits.ts';
import { Topology } from './topology/topology.ts';

const HELP = `corelane-topology [--json] [--root DIR] [--disallowed] [--help]

Draws this machine: packages, NUMA nodes, caches, cores and PUs (hardware threads).

  --json        JSON instead: every PU with its core, package, node and caches; counts by kind; limits
  --root DIR    a captured machine: DIR holds its sys/ and proc/
  --disallowed  also what is outside the cpuset of this process
  --help        this text

Exit codes: 0 fine, 1 nothing to read or to write to, 2 usage.
`;

export interface CommandOutput {
  readonly exitCode: 0 | 1 | 2;
  readonly stdout: string;
  readonly stderr: string;
}

/** @param args without the interpreter and the script. */
export function runTopologyCommand(args: readonly string[]): CommandOutput {
  let values: { json?: boolean; root?: string; disallowed?: boolean; help?: boolean };
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: {
        json: { type: 'boolean' },
        root: { type: 'string' },
        disallowed: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    }));
  } catch (error) {
    return failed(2, `${(error as Error).message}\n\n${HELP}`);
  }
  if (values.help) return { exitCode: 0, stdout: HELP, stderr: '' };
  const { root, disallowed = false } = values;
  try {
    if (root !== undefined && !statSync(root).isDirectory()) return failed(1, `${root} is no directory\n`);
    const topology = Topology.read({ disallowed, ...(root === undefined ? {} : { root }) });
    if (!values.json) return { exitCode: 0, stdout: `${topology.toText()}\n`, stderr: '' };
    const inForce = limits(root === undefined ? undefined : nodeFileSystem(root));
    const json = JSON.stringify({ ...topology.toJSON(), limits: inForce }, null, 2);
    return { exitCode: 0, stdout: `${json}\n`, stderr: '' };
  } catch (error) {
    // Anything but ours and the file system's is a bug: let it be seen.
    if (error instanceof PlatformError || (error as NodeJS.ErrnoException).syscall !== undefined)
      return failed(1, `${(error as Error).message}\n`);
    throw error;
  }
}

function failed(exitCode: 1 | 2, message: string): CommandOutput {
  return { exitCode, stdout: '', stderr: `corelane-topology: ${message}` };
}
