/** Runs one program of the host to its end. */
import { spawn } from 'node:child_process';

export interface CommandResult {
  /** Exit status; `null` where a signal ended it or it could not be started. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** The program is not on PATH. */
  readonly missing: boolean;
}

/** Never rejects; what went wrong is in the result. */
export function run(
  command: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<CommandResult> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    const end = (status: number | null, missing: boolean, more = ''): void =>
      resolve({
        status,
        missing,
        stdout: Buffer.concat(stdout).toString(),
        stderr: Buffer.concat(stderr).toString() + more,
      });
    child.on('error', (error: NodeJS.ErrnoException) => end(null, error.code === 'ENOENT', error.message));
    child.on('close', (status) => end(status, false));
  });
}

/** The last lines of what a program said, for a message. */
export function tail(text: string, lines = 12): string {
  return text.trimEnd().split('\n').slice(-lines).join('\n');
}
