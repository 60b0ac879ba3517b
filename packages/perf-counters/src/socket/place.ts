// The name of a socket: given to one that listens already, taken over from one that is dead, never from one that is alive. PROTOCOL.md beside
// this, "Taking a place", says why that holds.
//
// Tried first: probe, remove, bind. Of two processes that start at once the second then removes what the first has just bound. Pids do not
// tell who is alive (containers share folders, not pids), nor do times (a process can be stopped), so a claim is a socket, too.
import { linkSync, mkdtempSync, renameSync, rmSync, unlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as pass } from 'node:timers/promises';
import { ArgumentRangeError } from '../errors.ts';
import { SnapshotServerError } from './errors.ts';
import { fileIdentity, PATH_MAX_BYTES, pathState } from './socket-path.ts';

/** A claim lasts for some system calls; who holds one for so long was stopped. Guessed. */
const CLAIM_WAIT_MS = 2000;
const CLAIM_POLL_MS = 5;
/** Beginning of all names here, which sockets of processes never have in the default folder. Short, as paths of sockets are. */
export const PLACE_PREFIX = '.cl';
const FOLDER_PREFIX = `${PLACE_PREFIX}-`;
const CLAIM_PREFIX = `${PLACE_PREFIX}=`;
/** Of `/.cl=` and an inode of 64 bits in base 36; a private folder and what is in it are shorter. */
const BESIDE_BYTES = 18;

/** What a place is found to be, when it is not to be had. */
type Obstacle = 'listening' | 'other' | 'claimed';

/**
 * A folder in a folder that only this user can enter: nobody can connect to what is bound there before it has its mode and its name.
 * @throws what the system says
 */
export function privateFolder(directory: string): string {
  return mkdtempSync(join(directory, FOLDER_PREFIX));
}

/** Where a server binds in a private folder. */
export function birthplace(folder: string): string {
  return join(folder, 's');
}

/** @throws ArgumentRangeError where there is no room for names beside this one */
export function checkPlace(path: string): void {
  const bytes = Buffer.byteLength(dirname(path));
  const most = PATH_MAX_BYTES - BESIDE_BYTES;
  if (bytes > most)
    throw new ArgumentRangeError('bytes of the folder', bytes, `at most ${most}, as sockets have it`);
}

/** The name that whoever is about to replace a file has beside it. @param identity of that file */
export function claimPath(path: string, identity: string): string {
  const inode = BigInt(identity.slice(identity.indexOf(':') + 1));
  return join(dirname(path), CLAIM_PREFIX + inode.toString(36));
}

/**
 * Gives a socket another name, beside its own. What is there stays, but for a socket at which nobody listens.
 * @param own of a socket at which this process listens, in a private folder beside `path`
 * @throws SnapshotServerError, what the system says
 */
export async function takePlace(own: string, path: string): Promise<void> {
  const obstacle = await take(own, path, performance.now() + CLAIM_WAIT_MS);
  if (obstacle === undefined) return;
  const why = {
    listening: 'another one serves there',
    other: 'there is a file',
    claimed: `another process has been taking it over for ${CLAIM_WAIT_MS} ms`,
  };
  throw new SnapshotServerError(path, why[obstacle]);
}

/** Removes a socket at which nobody listens, as the place of one is taken. Does nothing where that is not to be had. */
export async function removeDeserted(path: string): Promise<void> {
  const folder = privateFolder(dirname(path));
  const server = createServer((socket) => socket.destroy()).unref();
  try {
    const own = birthplace(folder);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen({ path: own, exclusive: true }, resolve);
    });
    const found = fileIdentity(path);
    if (found !== undefined)
      await withClaim(own, path, found, performance.now() + CLAIM_WAIT_MS, () => unlinkSync(path));
  } finally {
    server.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function take(own: string, path: string, untilMs: number): Promise<Obstacle | undefined> {
  while (!linkIfFree(own, path)) {
    const found = fileIdentity(path);
    // oxlint-disable-next-line no-await-in-loop -- one look after the other
    const state = await pathState(path);
    if (state === 'listening' || state === 'other') return state;
    if (state === 'free') {
      // A symbolic link to nothing: not free either.
      if (found !== undefined && fileIdentity(path) === found) return 'other';
      continue;
    }
    if (found === undefined) continue;
    const replace = (): void => {
      const spare = `${own}.${found.replace(':', '-')}`;
      linkSync(own, spare);
      renameSync(spare, path); // atomic: somebody is there at each moment
    };
    // oxlint-disable-next-line no-await-in-loop
    const outcome = await withClaim(own, path, found, untilMs, replace);
    if (outcome === 'done') return undefined;
    if (outcome !== 'changed') return outcome;
  }
  return undefined;
}

/**
 * Does what only one may do with a deserted file.
 * @param found identity of that file
 */
async function withClaim(
  own: string,
  path: string,
  found: string,
  untilMs: number,
  act: () => void,
): Promise<'done' | 'changed' | 'other' | 'claimed'> {
  const claim = claimPath(path, found);
  const obstacle = await take(own, claim, untilMs);
  if (obstacle === 'listening') {
    if (performance.now() > untilMs) return 'claimed';
    await pass(CLAIM_POLL_MS);
    return 'changed';
  }
  if (obstacle !== undefined) return obstacle;
  try {
    // Asked again: before the claim another one may have taken the place, also with a file that got this number anew, and listens.
    const isSame = (): boolean => fileIdentity(path) === found;
    if (!isSame() || (await pathState(path)) !== 'deserted' || !isSame()) return 'changed';
    act();
    return 'done';
  } finally {
    unlinkSync(claim);
  }
}

/** Atomic: of all who try one succeeds. */
function linkIfFree(own: string, path: string): boolean {
  try {
    linkSync(own, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}
