// Sessions of this thread with the inspector of the main thread, which are kept until the thread ends.
//
// Node, all lines, aborts the process where a thread ends while the main thread has something to tell it through such a session: an answer, or that the
// session is over (a fifth of threads that ended within 0.4 ms of `disconnect`: `npm run ends-at-once`). One that is connected and at rest when
// its thread ends is taken down in order. Waiting for a time after `disconnect` was tried: nobody can say when the main thread gets to it.
import type { Session } from 'node:inspector';

/** What the main thread may take; guessed: it is in a long call of its own where it takes longer. */
const LATEST_MS = 1000;

/** All that there are: one that was collected as garbage would be disconnected, at any moment. As many as were in use at the same time. */
const all = new Set<Session>();
const free: Session[] = [];

/** @throws what `connectToMainThread` does */
export function takeMainThreadSession(inspector: typeof import('node:inspector')): Session {
  const used = free.pop();
  if (used !== undefined) return used;
  const session = new inspector.Session();
  session.connectToMainThread();
  all.add(session);
  return session;
}

/** Ends what the main thread does for it. Settled when the main thread has nothing to tell any more, or is late: then it is not taken again before that. */
export async function returnMainThreadSession(session: Session): Promise<void> {
  session.removeAllListeners();
  const { promise, resolve } = Promise.withResolvers<void>();
  session.post('NodeWorker.disable');
  session.post('Profiler.disable', () => {
    free.push(session);
    resolve();
  });
  const timer = setTimeout(resolve, LATEST_MS);
  await promise;
  clearTimeout(timer);
}
