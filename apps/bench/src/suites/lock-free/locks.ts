// Locks: what one costs where nobody contends, and what threads get done that all want it.
import { Contenders } from '../../contention/contenders.ts';
import { entryUrl } from '../../entry-url.ts';
import { type BatchCase, type BatchGroup, BYTES_PER_OP, type Role } from '../../suite.ts';
import { Held } from '../state/held.ts';
import type { LockWork } from './lock-contender.ts';
import { LockedWords, type Reading, type Writing } from './locked-words.ts';

/** The mutex is taken and given back within this, from JavaScript. */
const MUTEX_NS = 25;

type Work =
  | { readonly kind: 'write'; readonly by: Writing }
  | { readonly kind: 'read'; readonly by: Reading };

interface Line {
  readonly name: string;
  readonly role: Role;
  readonly note?: string;
}

const empty: BatchCase = {
  name: 'empty loop',
  role: 'empty',
  batch(operations) {
    let successful = 0;
    for (let operation = 0; operation < operations; operation++) successful++;
    return successful;
  },
  check: () => undefined,
};

function checkCount(words: LockedWords, by: Writing, operations: number): string | undefined {
  const wrong = words.counted(by).find((found) => found !== (operations | 0));
  return wrong === undefined ? undefined : `counted ${wrong}, expected ${operations | 0}`;
}

/** On the thread of the bench. */
function alone(line: Line, work: Work): BatchCase {
  const held = new Held<{ words: LockedWords; run: (operations: number) => number }>();
  return {
    ...line,
    allocation: true,
    setup() {
      const words = LockedWords.create();
      const run = work.kind === 'write' ? words.writer(work.by) : words.reader(work.by);
      held.set({ words, run });
    },
    batch: (operations) => held.get().run(operations),
    check: ({ operations }) =>
      work.kind === 'write' ? checkCount(held.get().words, work.by, operations) : undefined,
    teardown: () => void held.take(),
  };
}

/** On threads of their own, on one lock. */
function together(line: Line, threads: number, work: Work): BatchCase {
  const held = new Held<{ words: LockedWords; contenders: Contenders }>();
  return {
    ...line,
    opsPerBatch: threads,
    async setup() {
      const words = LockedWords.create();
      const contenders = await Contenders.start({
        module: entryUrl('suites/lock-free/lock-contender'),
        contenders: threads,
        data: (): LockWork => ({ ...work, handle: words.handle }),
      });
      held.set({ words, contenders });
    },
    batch: (operations) => held.get().contenders.run(operations),
    check: ({ operations }) =>
      work.kind === 'write' ? checkCount(held.get().words, work.by, operations) : undefined,
    teardown: () => held.take()?.contenders.stop(),
  };
}

const write = (by: Writing): Work => ({ kind: 'write', by });
const read = (by: Reading): Work => ({ kind: 'read', by });

const MUTEX = 'SharedMutex.acquire + unlock';
const FUTEX = 'futex mutex, JS Atomics';
const SPINNING = 'the same, spinning first';
const BARE = 'no owner, no time-out, no count, no recovery';

const uncontended: BatchGroup = {
  kind: 'batch',
  name: 'mutex',
  title: 'A plain word counted up under a lock, one thread',
  cases: [
    alone({ name: MUTEX, role: 'ours' }, write('mutex')),
    alone({ name: 'SharedMutex.lock() and guard.unlock()', role: 'ours' }, write('guard')),
    alone(
      { name: 'using SharedMutex.lock()', role: 'ours', note: 'what using itself costs, too' },
      write('using'),
    ),
    alone({ name: 'ReadWriteLock, write', role: 'ours' }, write('read-write')),
    alone(
      { name: 'RcuCell.update', role: 'ours', note: 'copies 256 bytes and looks at 64 readers' },
      write('rcu'),
    ),
    alone({ name: FUTEX, role: 'peer', note: BARE }, write('atomics')),
    alone(
      { name: 'Atomics.add', role: 'peer', note: 'where one addition is all there is' },
      write('addition'),
    ),
    alone({ name: 'no lock', role: 'limit' }, write('plain')),
    empty,
  ],
  claims: [
    { of: MUTEX, atMost: MUTEX_NS },
    { of: MUTEX, metric: BYTES_PER_OP, atMost: 0 },
  ],
};

const contended = (threads: number): BatchGroup => ({
  kind: 'batch',
  name: `mutex-${threads}`,
  title: `A plain word counted up under one lock, ${threads} threads`,
  note: 'ns/op is the time until the last thread is done by all operations.',
  cases: [
    together({ name: MUTEX, role: 'ours' }, threads, write('mutex')),
    together({ name: 'ReadWriteLock, write', role: 'ours' }, threads, write('read-write')),
    together({ name: FUTEX, role: 'peer', note: BARE }, threads, write('atomics')),
    together({ name: SPINNING, role: 'peer', note: BARE }, threads, write('atomics spinning')),
    together(
      { name: 'Atomics.add', role: 'peer', note: 'where one addition is all there is' },
      threads,
      write('addition'),
    ),
  ],
  claims: [{ of: FUTEX, against: MUTEX, atLeast: 1 }],
});

const reads = (threads: number): BatchGroup => {
  const make = (line: Line, by: Reading): BatchCase =>
    threads === 1 ? alone(line, read(by)) : together(line, threads, read(by));
  return {
    kind: 'batch',
    name: `reads-${threads}`,
    title: `256 bytes read under a lock, ${threads === 1 ? 'one thread' : `${threads} threads`}`,
    cases: [
      make({ name: 'RcuCell.enter + exit', role: 'ours' }, 'rcu'),
      make({ name: 'ReadWriteLock, read', role: 'ours' }, 'read-write'),
      make({ name: MUTEX, role: 'ours' }, 'mutex'),
      make({ name: FUTEX, role: 'peer', note: BARE }, 'atomics'),
      make({ name: 'no lock', role: 'limit', note: 'torn as soon as somebody writes' }, 'plain'),
      ...(threads === 1 ? [empty] : []),
    ],
  };
};

export const locks: readonly BatchGroup[] = [uncontended, contended(2), contended(4), reads(1), reads(2)];
