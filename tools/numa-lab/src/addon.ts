/** The addon of @corelane/platform for the machine's processor. */
import { join } from 'node:path';
import { run, tail } from './command.ts';
import type { Architecture } from './debian.ts';
import { LabError } from './errors.ts';

/** Names of processors as Node has them. */
export const NODE_CPU_NAMES: Record<Architecture, string> = { amd64: 'x64', arm64: 'arm64' };

/** Compiles what changed since; a cross compiler may be installed for it. @throws LabError `ERR_LAB_NOT_BUILT`. */
export async function buildAddon(repository: string, architecture: Architecture): Promise<void> {
  const target = `linux-${NODE_CPU_NAMES[architecture]}`;
  const script = join(repository, 'tools/native/build.mjs');
  const built = await run(process.execPath, [script, '--target', target], {
    cwd: join(repository, 'packages/platform'),
    env: { ...process.env, CORELANE_REQUIRE_NATIVE: '1' },
  });
  if (built.status !== 0)
    throw new LabError('ERR_LAB_NOT_BUILT', `no addon for ${target}: ${tail(built.stderr)}`);
}
