// Which processes of this user serve snapshots at the default place.
import { checkOptionNames } from '../option-names.ts';
import { checkTimeout, connectSnapshots } from './client.ts';
import { SnapshotConnectionError } from './errors.ts';
import type { Hello } from './protocol.ts';
import { removeLeftover } from './leftovers.ts';
import { directoryProblem, pathState, socketDirectory, socketPaths } from './socket-path.ts';

export interface ServingProcess {
  readonly pid: number;
  readonly path: string;
  /** Undefined where it does not answer in time: it is busy, or speaks another version. */
  readonly hello: Hello | undefined;
  /** Why there is no hello. */
  readonly error: Error | undefined;
}

export interface ListOptions {
  /** How long a process may take to greet, in milliseconds; 1000 by default. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/**
 * The processes that serve at their default path, by pid. Sockets that dead processes have left behind are removed.
 * @throws SnapshotConnectionError where the folder is not this user's alone; the reason of the signal
 */
export async function listProcesses(options: ListOptions = {}): Promise<ServingProcess[]> {
  checkOptionNames(options, ['timeoutMs', 'signal']);
  const { timeoutMs = 1000, signal } = options;
  checkTimeout(timeoutMs);
  signal?.throwIfAborted();
  const paths = socketPaths();
  const directory = socketDirectory();
  const problem = directory === undefined || paths.length === 0 ? undefined : directoryProblem(directory);
  if (problem !== undefined) throw new SnapshotConnectionError(directory as string, problem);
  const found = await Promise.all(
    paths.map(async ({ pid, path }): Promise<ServingProcess | undefined> => {
      try {
        using client = await connectSnapshots(path, { timeoutMs, ...(signal && { signal }) });
        return { pid, path, hello: client.hello, error: undefined };
      } catch (error) {
        signal?.throwIfAborted();
        const state = await pathState(path);
        if (state === 'deserted') await removeLeftover(path);
        return state === 'listening' ? { pid, path, hello: undefined, error: error as Error } : undefined;
      }
    }),
  );
  return found.filter((each) => each !== undefined).toSorted((a, b) => a.pid - b.pid);
}
