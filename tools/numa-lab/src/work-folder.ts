/** Folders for one run of a machine: some hundred megabytes that must not stay behind. */
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** A new folder in `cacheDirectory`. One that is not kept carries the id of this process, by which a later run finds it if this one is killed. */
export async function makeWorkFolder(cacheDirectory: string, name: string, keep: boolean): Promise<string> {
  const folder = join(cacheDirectory, keep ? 'kept' : 'run');
  await mkdir(folder, { recursive: true });
  return mkdtemp(join(folder, keep ? `${name}-` : `${process.pid}-${name}-`));
}

/** Removes what processes that are no more have left. */
export async function removeLeftovers(cacheDirectory: string): Promise<void> {
  const folder = join(cacheDirectory, 'run');
  const names = await readdir(folder).catch(() => []);
  for (const name of names) {
    const pid = Number.parseInt(name, 10);
    if (!(pid > 0) || !isAlive(pid)) await rm(join(folder, name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: alive, and somebody else's.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
