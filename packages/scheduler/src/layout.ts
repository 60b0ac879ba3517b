// The only place with offsets in this package, and with the numbers that JavaScript and kernels share.
import { QUEUE_EMPTY, STACK_EMPTY } from '@corelane/lock-free';
import { atomic, bits, guarded, immutable, root, struct } from '@corelane/shared-memory';

// Of lock-free, for kernels.

/** `popQueue` found the queue empty. */
export const NOTHING_QUEUED = QUEUE_EMPTY;
/** `popStack` found the stack empty. */
export const NO_FREE_SLOT = STACK_EMPTY;
/** How long a client waits for a worker in the middle of taking a slot out of a queue. Guessed; never seen to happen. */
export const QUEUE_FULL_NAP_US = 50;

// States of a slot: PROTOCOL.md, section 1.

/** In the free list. */
export const SLOT_FREE = 0;
/** One party has it for itself: before it enters a queue, and on its way back to the free list. */
export const SLOT_HELD = 1;
/** Its client is putting it into a queue; it may be in there already. */
export const SLOT_ENTERING = 2;
/** In a queue. */
export const SLOT_QUEUED = 3;
/** In a queue, and nobody wants it: whoever takes it out frees it. */
export const SLOT_CANCELLED = 4;
/** A worker runs its task. */
export const SLOT_RUNNING = 5;
/** A worker runs its task, and nobody wants the result. */
export const SLOT_ORPHANED = 6;
/** A worker runs its task, and its client wants the worker terminated. */
export const SLOT_CONDEMNED = 7;
/** A worker runs its task, and is being terminated for it. */
export const SLOT_DOOMED = 8;
/** The result is in it; its worker is putting it into its client's list, and may have done so. */
export const SLOT_FINISHED = 9;
/** The result is in it, and it is or was in its client's list. */
export const SLOT_DONE = 10;

/** The state word of a slot. A party is a number from 1; 0 stands for nobody. */
export const slotState = bits('scheduler/slot-state', 32, { state: 4, client: 14, worker: 14 });

/** What the state word has room for, without nobody. */
export const MAX_CLIENTS = 0x3fff;
/** What the words of parked workers have room for. */
export const MAX_THREADS = 1024;

// Results of kernel functions.

/** `acquireSlot` found none. */
export const NO_SLOT = -1;
/** `acquireSlot`, `enterSlot`: the scheduler takes no tasks any more, and has not taken this one. */
export const NOT_OPEN = -2;
/** `acquireSlot`: `maxQueue` tasks or more are waiting. */
export const QUEUE_LIMIT = -3;
/** `acquireSlot`: the client was reclaimed. */
export const CLIENT_GONE = -4;
/** `enterSlot`: accepted. */
export const ENTERED = 1;
/** `claimTask` found nothing to do. */
export const NO_TASK = -1;
/** `announceSleep`, `parkWorker`: there is work, or the scheduler is closed; the worker is not parked. */
export const WORK_WAITS = 3;
/** `parkWorker`: nobody woke it. It must look for work all the same. */
export const TIMED_OUT = 9;
/** What `wait` returns then. */
export const WAIT_TIMED_OUT = 2;
/** `announceSleep`: the worker's bit is set; it may wait on its word. `parkWorker`: it was parked. */
export const MAY_SLEEP = 1;
/** `finishSlot`, `recoverSlot`: the result went to the client. */
export const DELIVERED = 1;
/** `finishSlot`: nobody wanted the result; `recoverSlot`, `reclaimSlot`: the slot was nobody's. It is free. */
export const DROPPED = 2;
/** `finishSlot`: the worker is being terminated and must take no more tasks. */
export const DOOMED = 3;
/** `finishSlot`, `releaseSlot`: the slot is not in a state of which that could be. Nothing was changed. */
export const NOT_YOURS = 4;
/** `recoverSlot`: the caller writes what became of the task, then calls `deliverSlot`. */
export const TASK_LOST = 5;
/** `recoverSlot`, `reclaimSlot`: nothing to do with that party. */
export const UNTOUCHED = 0;
/** `cancelSlot`, `condemnSlot`, `reclaimSlot`: it will never run. */
export const WITHDRAWN = 6;
/** `cancelSlot`, `condemnSlot`, `reclaimSlot`: it runs on, and its result is dropped. */
export const DISOWNED = 7;
/** `cancelSlot`, `condemnSlot`: it has ended, its result is on the way. Nothing was changed. */
export const TOO_LATE = 8;
/** `releaseSlot`: it is in the free list. */
export const RELEASED = 1;

// Words of a client's list of finished slots: slot + 1, or one of these.

export const LIST_EMPTY = 0;
/** Empty, and the client waits on this word. */
export const LIST_ASLEEP = -1;
/** The client is gone: whoever finishes a slot of its frees it. */
export const LIST_CLOSED = -2;

// Phases of the scheduler.

export const PHASE_OPEN = 0;
/** Takes no new tasks, finishes those it has. */
export const PHASE_CLOSING = 1;
/** Workers end when they look for work. */
export const PHASE_CLOSED = 2;

/** One claim in so many starts at another band than the most urgent. Guessed: costs urgent tasks 1.6 %. */
export const FAIR_EVERY = 64;

// Words of a client's owner: thread id + 1, or one of these.

export const CLIENT_VACANT = 0;
/** Its thread is gone; vacant once no slot mentions it. */
export const CLIENT_RECLAIMED = -1;
/** A thread is finding out whether that is so. */
export const CLIENT_SETTLING = -2;

/** Followed by the clients, the workers and the slots. */
export const schedulerRoot = root('scheduler/scheduler', 1, {
  slots: immutable('i32', { doc: 'tasks in the scheduler at most' }),
  payloadBytes: immutable('i32', { doc: 'bytes of arguments, and of a result, at most' }),
  strideBytes: immutable('i32', { doc: 'from one slot to the next' }),
  bands: immutable('i32', { doc: 'queues, one for each priority' }),
  maxQueue: immutable('i32', { doc: 'tasks that wait at most; not checked where it is `slots`' }),
  maxClients: immutable('i32', { doc: 'places for clients' }),
  threads: immutable('i32', { doc: 'places for workers' }),
  freeAt: immutable('i32', { doc: 'address of the free list, an index stack' }),
  queues: immutable(16, { doc: 'addresses of the bounded queues, one for each band' }),
  namesAt: immutable('i32', { doc: 'address of the name table of tasks' }),
  clientsAt: immutable('i32', { doc: 'address of the first client' }),
  workersAt: immutable('i32', { doc: 'address of the first worker' }),
  slotsAt: immutable('i32', { doc: 'address of the first slot' }),
  phase: atomic('i32', {
    line: true,
    hot: 'phase',
    doc: 'PHASE_OPEN, _CLOSING or _CLOSED; only grows',
    writer: 'the owner',
    reader: 'any thread',
  }),
  bell: atomic('i32', {
    line: true,
    hot: 'bell',
    doc: 'grows when the owner has something to look at: a condemned slot, a task finished while closing',
    writer: 'clients that condemn, workers that finish while closing',
    reader: 'the owner waits on it',
  }),
  parked: atomic(128, {
    line: true,
    hot: 'parked',
    doc: 'bit w of word w / 32: worker w is parked. Clearing a bit is the claim to wake that worker',
    writer: 'the worker sets its bit; whoever wakes it, or itself, clears it',
    reader: 'any thread that enters a task',
  }),
});

export const clientEntry = struct(
  'scheduler/client',
  1,
  {
    owner: atomic('i32', {
      line: true,
      doc: 'CLIENT_VACANT, id of its thread + 1, CLIENT_RECLAIMED or CLIENT_SETTLING',
      writer: 'the thread that attaches, detaches or reclaims',
      reader: 'any thread',
    }),
    finished: atomic('i32', {
      line: true,
      hot: 'finished',
      doc: 'slot + 1 finished last (links lead to the one before), LIST_EMPTY, LIST_ASLEEP or LIST_CLOSED. Publishes the results',
      writer: 'workers push, the client takes all',
      reader: 'the client waits on it',
    }),
  },
  { alignBytes: 128 },
);

export const workerEntry = struct(
  'scheduler/worker',
  1,
  {
    wake: atomic('i32', {
      line: true,
      hot: 'wake',
      doc: 'grows with each wake-up; the worker parks on it',
      writer: 'whoever cleared its bit of `parked`',
      reader: 'the worker',
    }),
    current: atomic('i32', {
      line: true,
      hot: 'worker',
      doc: 'slot + 1 claimed last, 0 before the first',
      writer: 'the worker',
      reader: 'the owner',
    }),
    completed: atomic('i32', {
      doc: 'tasks that returned; wraps',
      writer: 'the worker',
      reader: 'any thread',
    }),
    failed: atomic('i32', { doc: 'tasks that threw; wraps', writer: 'the worker', reader: 'any thread' }),
    lost: atomic('i32', {
      doc: 'tasks that ended with the worker; wraps',
      writer: 'the owner',
      reader: 'any thread',
    }),
  },
  { alignBytes: 128 },
);

const HOLDER = 'the state: its client before QUEUED, its worker while it runs, its client again after DONE';

/** Followed by the payload. */
export const slotHead = struct('scheduler/slot', 1, {
  state: atomic('i32', {
    doc: 'slotState; publishes everything else in the slot',
    writer: 'its client, its worker, the owner of the scheduler',
    reader: 'the same',
  }),
  next: guarded('the state; the client’s list publishes it', 'i32', {
    doc: 'slot + 1 finished before this one, 0 at the end of the list',
  }),
  task: guarded(HOLDER, 'i32', { doc: 'index of its name' }),
  kind: guarded(HOLDER, 'i32', { doc: 'PayloadKind of the arguments, then of the result' }),
  lengthBytes: guarded(HOLDER, 'i32', { doc: 'of the payload' }),
  band: guarded(HOLDER, 'i32', { doc: 'index of its priority' }),
  reserved: guarded(HOLDER, 'i64', { doc: 'the payload begins at a multiple of 8' }),
});
