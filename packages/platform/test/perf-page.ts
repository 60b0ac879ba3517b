/** test/perf-page.c, compiled with the sanitizers where the compiler has them: the C that reads a counter's page, on a page of its own. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SOURCE = fileURLToPath(new URL('perf-page.c', import.meta.url));
const STRICT = ['-std=gnu11', '-Wall', '-Wextra', '-Werror', '-O1', '-g'];

export interface PageProgram {
  /** Runs the commands, and answers a line for each. */
  run(commands: readonly string[]): string[];
  remove(): void;
}

/** `undefined`: this machine has no C compiler (or is no Linux). */
export function compilePageProgram(): PageProgram | undefined {
  if (process.platform !== 'linux') return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'corelane-perf-page-'));
  const binary = join(folder, 'perf-page');
  const compile = (flags: readonly string[]): boolean =>
    spawnSync(process.env['CC'] ?? 'cc', [...STRICT, ...flags, '-o', binary, SOURCE]).status === 0;
  const sanitized = ['-fsanitize=undefined', '-fno-sanitize-recover=all'];
  const remove = (): void => {
    rmSync(folder, { recursive: true });
  };
  if (!compile(sanitized) && !compile([])) {
    remove();
    return undefined;
  }
  return {
    run(commands): string[] {
      const stdout = execFileSync(binary, { input: `${commands.join('\n')}\n`, encoding: 'utf8' });
      return stdout.trim().split('\n');
    },
    remove,
  };
}
