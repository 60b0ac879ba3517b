/** Programs in processes of their own, for what would harm the one that tests. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { expect } from 'vitest';

/** For a process that runs TypeScript from source. */
export const execArgv: readonly string[] = [
  '--conditions=@corelane/source',
  '--disable-warning=ExperimentalWarning',
];

const INDEX = path.join(import.meta.dirname, '../src/index.ts');

/**
 * @param body of a module with `fs`, `IoBatch`, `IoFile`, `IoRing` and `shared(bytes)`
 * @param through a command that runs the command that it is given, with its arguments
 * @returns what it printed last, from JSON
 */
export function runProgram(body: string, through: readonly string[] = []): unknown {
  const program = `
    import fs from 'node:fs';
    import { IoBatch, IoFile, IoRing } from ${JSON.stringify(INDEX)};
    const shared = (bytes) => new Uint8Array(new SharedArrayBuffer(bytes));
    ${body}`;
  const [command, ...args] = [
    ...through,
    process.execPath,
    ...execArgv,
    '--input-type=module',
    '-e',
    program,
  ];
  const { status, signal, stdout, stderr } = spawnSync(command, args, {
    encoding: 'utf8',
    timeout: 60_000,
    // A shell complains of a locale that this machine does not have.
    env: { ...process.env, NODE_OPTIONS: '', LC_ALL: 'C' },
  });
  expect({ status, signal, stderr }).toEqual({ status: 0, signal: null, stderr: '' });
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
}
