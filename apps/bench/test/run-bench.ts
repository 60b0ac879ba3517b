import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { BenchDocument } from '../src/document.ts';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));
export const fixtures = fileURLToPath(new URL('fixtures/suites.ts', import.meta.url));

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command from source, as `npm run bench -- …args` would from dist. */
export function runCommand(...args: string[]): Promise<Outcome> {
  return runCommandWith({}, ...args);
}

/** @param env variables beside those of this process */
export function runCommandWith(env: NodeJS.ProcessEnv, ...args: string[]): Promise<Outcome> {
  const child = spawn(process.execPath, ['--conditions=@corelane/source', main, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
}

/** A fixture suite in a full, strict run with short batches on a machine that may be as busy as it likes. */
export const STRICT: readonly string[] =
  '--strict --rounds 5 --batch-ms 2 --warmup-ms 10 --max-foreign-cpus 1000'.split(' ');

export async function runFixture(
  suite: string,
  ...args: string[]
): Promise<Outcome & { document: BenchDocument }> {
  const outcome = await runCommand('--from', fixtures, '--suite', suite, '--json', '--seed', '42', ...args);
  return { ...outcome, document: JSON.parse(outcome.stdout) as BenchDocument };
}
