// What processes that were killed have left in the default folder.
import { lstatSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { PLACE_PREFIX, removeDeserted } from './place.ts';
import { isOld, pathState, socketPaths } from './socket-path.ts';

/** A private folder is there for some system calls. Guessed. */
const PRIVATE_MS = 60_000;

/** Removes a deserted socket, unless its process may be about to listen. */
export async function removeLeftover(path: string): Promise<void> {
  if (!isOld(path)) return;
  try {
    await removeDeserted(path);
  } catch {
    // Another one removes it, or nobody can: it is in nobody's way.
  }
}

export async function removeLeftovers(directory: string): Promise<void> {
  const paths = socketPaths().map(({ path }) => path);
  for (const name of readdirSync(directory).filter((each) => each.startsWith(PLACE_PREFIX))) {
    const path = join(directory, name);
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found === undefined || Date.now() - found.mtimeMs < PRIVATE_MS) continue;
    if (found.isDirectory()) rmSync(path, { recursive: true, force: true });
    else paths.push(path);
  }
  await Promise.all(
    paths.map(async (path) => {
      if ((await pathState(path)) === 'deserted') await removeLeftover(path);
    }),
  );
}
