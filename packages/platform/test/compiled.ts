/** C programs that tests need, compiled into a folder of their own. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const STRICT = ['-std=gnu11', '-Wall', '-Wextra', '-Werror', '-O1', '-g'];
const SANITIZED = ['-fsanitize=undefined', '-fno-sanitize-recover=all'];

export interface Compiled {
  readonly file: string;
  remove(): void;
}

/**
 * With UndefinedBehaviorSanitizer where the compiler has it. `undefined`: this machine has no C compiler, or is no Linux.
 * @param source beside this file
 */
export function compileProgram(source: string): Compiled | undefined {
  if (process.platform !== 'linux') return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'corelane-c-'));
  const file = join(folder, 'program');
  const from = fileURLToPath(new URL(source, import.meta.url));
  const compile = (flags: readonly string[]): boolean =>
    spawnSync(process.env['CC'] ?? 'cc', [...STRICT, ...flags, '-o', file, from]).status === 0;
  const remove = (): void => {
    rmSync(folder, { recursive: true });
  };
  if (compile(SANITIZED) || compile([])) return { file, remove };
  remove();
  return undefined;
}
