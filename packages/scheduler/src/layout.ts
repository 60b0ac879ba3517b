// The only place with offsets in this package, and with the numbers that JavaScript and kernels share.
// So long because it is the only one: what lies beside what, and who writes and reads it, is seen in one place, and tools/kernel/build.mjs makes
// one file of constants of it.
import { DEQUE_EMPTY, DEQUE_RETRY, STACK_EMPTY } from '@corelane/lock-free';
import { atomic, bits, guarded, immutable, ownerOnly, root, struct } from '@corelane/shared-memory';
import { tierRecord } from './budgets/layout.ts';

// Of lock-free, for kernels.

/** `popStack` found the stack empty. */
export const NO_FREE_SLOT = STACK_EMPTY;

/** `stealDeque` found nothing to take. */
export const NOTHING_STOLEN = DEQUE_EMPTY;
/** `stealDeque`, `stealManyDeque`: somebody else was faster. */
export const STEAL_AGAIN = DEQUE_RETRY;

// States of a slot: PROTOCOL.md, section 1.

/** In the free list. */
export const SLOT_FREE = 0;
/** One party has it for itself: a client that may use it for its next task, or whoever is freeing it. */
export const SLOT_HELD = 1;
/** Waits for a worker: there is a hint to it in a lane or a deque, or somebody is about to write one. */
export const SLOT_QUEUED = 2;
/** Waits for a worker, and the owner is writing another hint to it: the first may have gone with a worker. */
export const SLOT_MENDING = 3;
/** A worker runs its task. */
export const SLOT_RUNNING = 4;
/** A worker runs its task, and nobody wants the result: its client has disowned it, or, where it names none, is gone. */
export const SLOT_ORPHANED = 5;
/** A worker runs its task, and its client wants the worker terminated. */
export const SLOT_CONDEMNED = 6;
/** A worker runs its task, and is being terminated for it. */
export const SLOT_DOOMED = 7;
/** The result is in it; its worker is putting it into its client's list, and may have done so. */
export const SLOT_FINISHED = 8;
/** The result is in it, and it is or was in its client's list. Afterwards its client may use it for its next task. */
export const SLOT_DONE = 9;
/** A worker runs its task, which its client waits for, and is being terminated for it: a poll of it was too long. */
export const SLOT_STUCK = 10;
/** As SLOT_DONE, of a task that its worker has moved: its client enters it in the slow lane. Whoever closes waits for that. */
export const SLOT_MOVED = 11;

/** The state word of a slot. A party is a number from 1; 0 stands for nobody. The generation moves with each task. */
export const slotState = bits('scheduler/slot-state', 32, {
  state: 4,
  generation: 8,
  client: 10,
  worker: 10,
});

/** What says that a slot may be queued. A hint to a slot of another generation, or that is not queued, is stale: it means nothing. */
export const slotHint = bits('scheduler/slot-hint', 32, { slot: 20, generation: 8, lap: 4 });
/** Of a slot's `block`: which block of the slab holds its payload, 0 for none; `granule` counts from 1. */
export const slabBlock = bits('scheduler/slab-block', 32, { granule: 24, sizeClass: 8 });
/** Who asks for a slot: its party, and how often it has. */
export const slotAsk = bits('scheduler/slot-ask', 32, { client: 10, count: 22 });
/** Bytes of the smallest blocks; those of class c have 2 to the power of c times as many. Guessed. */
export const GRANULE_BYTES = 512;
/** Classes at most: the largest blocks have 256 MiB. */
export const MAX_CLASSES = 20;
/** `takeBlock` found none. */
export const NO_BLOCK = -1;

/** No hint. */
export const NO_HINT = -1;

/** What the state word has room for, without nobody. */
export const MAX_CLIENTS = 0x3ff;
/** In place of a worker: of a slot that is queued in the slow lane. No worker has this number. */
export const SLOW_PARTY = 0x3ff;
export const MAX_THREADS = 0x3fe;
/** Priorities: 0 to 20, the last the most urgent. */
export const LEVELS = 21;
/** Hints that a worker takes out of a lane at once, at most. Measured: design of dispatch. */
export const MAX_BATCH = 16;

// Results of kernel functions.

/** `acquireSlot` found none. */
export const NO_SLOT = -1;
/** `acquireSlot`, `submitSlot`: the scheduler takes no tasks any more, and has not taken this one. */
export const NOT_OPEN = -2;
/** `submitSlot`: as many hints of this client wait in this lane as it has room for. Nothing was changed. */
export const LANE_FULL = -3;
/** `acquireSlot`, `submitSlot`: the client was reclaimed. */
export const CLIENT_GONE = -4;
/** `submitSlot`: accepted. */
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
/** `mendSlot`: the lane is full: again when workers have taken some. */
export const MEND_LATER = 10;
/** `mendSlot`: there is a hint to it. */
export const MENDED = 11;
/** `recoverSlot`: the caller writes what became of the task, then calls `deliverSlot`. */
export const TASK_LOST = 5;
/** `recoverSlot`: the same, of the task that its worker was terminated for. */
export const TASK_STUCK = 16;
/** `giveUpSlot`: the worker takes no more tasks; the caller terminates it. */
export const GIVEN_UP = 17;
/** `recoverSlot`, `reclaimSlot`: nothing to do with that party. */
export const UNTOUCHED = 0;
/** `cancelSlot`, `reclaimSlot`: it will never run. */
export const WITHDRAWN = 6;
/** `cancelSlot`, `reclaimSlot`: it runs on, and its result is dropped. */
export const DISOWNED = 7;
/** `cancelSlot`: it has ended, its result is on the way. Nothing was changed. */
export const TOO_LATE = 8;
/** `condemnSlot`: the owner has been told. */
export const CONDEMNED = 12;
/** `retireWorker`: the worker leaves, as soon as it finds no task. */
export const RETIRED = 14;
/** `retireWorker`: the worker is not parked, or there is something to do. */
export const KEPT = 15;
/** `releaseSlot`: it is in the free list. */
export const RELEASED = 1;
/** `submitSlow`: as many tasks wait in the slow lane as may. Nothing was changed. */
export const SLOW_FULL = -5;
/** `submitSlow`: so many of this source. Nothing was changed. */
export const SOURCE_THROTTLED = -6;

// How a task has ended, for `finishSlot`.

export const ENDED_FINE = 0;
export const ENDED_FAILED = 1;
/** It goes on in the slow lane: what the slot holds is for its client to enter there. */
export const ENDED_MOVED = 2;

// Of a payload: whether it is a task on its way to the slow lane.

/** The state from which a task that has begun goes on. */
export const MOVED_STATE = 1;
/** The arguments of a task that has not begun. */
export const MOVED_UNBEGUN = 2;
/** Arguments that the slow lane had no room for: the task stays where it is for a while. */
export const MOVED_STAYS = 3;

// The slow lane.

/** Lanes of priority: critical, high, normal, low. */
export const SLOW_LANES = 4;
/** Tiers of names: 0 to this one, of which tasks go to the slow lane. */
export const TIER_ISOLATE = 3;

// Words of a client's list of finished slots: slot + 1, or one of these.

export const LIST_EMPTY = 0;
/** Empty, and the client waits on this word. */
export const LIST_ASLEEP = -1;
/** The client is gone: whoever finishes a slot of its frees it. */
export const LIST_CLOSED = -2;
/** `takeFinished`: its links lead nowhere, or in a circle. */
export const LIST_CORRUPT = -3;

// Phases of the scheduler.

export const PHASE_OPEN = 0;
/** Takes no new tasks, finishes those it has. */
export const PHASE_CLOSING = 1;
/** Workers end when they look for work. */
export const PHASE_CLOSED = 2;

// Whether there may be another worker.

/** No: all seats are taken, or it is not for clients to say. */
export const GROWTH_NONE = 0;
/** Whoever finds nobody parked asks for one. */
export const GROWTH_ARMED = 1;
/** Somebody has rung the owner's bell for it. */
export const GROWTH_ASKED = 2;

// Whether a worker goes on.

export const WORKER_STAYS = 0;
/** The owner has told it to leave. */
export const WORKER_LEAVES = 1;
/** It leaves, having run as many tasks as it may. */
export const WORKER_SPENT = 2;

// Policies: which task a worker takes.

/** The most urgent level first; within one, clients in turn. */
export const POLICY_PRIORITY = 0;
/** Clients in turn, one task each. */
export const POLICY_ROUND_ROBIN = 1;
/** Many at once into a queue of the worker's own, of which others steal. */
export const POLICY_WORK_STEALING = 2;
/** In the order of submission, whoever submitted. From here on submitting takes more than a lane. */
export const POLICY_FIFO = 3;
/** The earliest deadline first. */
export const POLICY_DEADLINE = 4;

/** One claim in so many takes a task of a less urgent level, each in turn. Guessed: costs urgent tasks 1.6 %. */
export const FAIR_EVERY = 64;

// Words of a client's owner: thread id + 1, or one of these.

export const CLIENT_VACANT = 0;
/** Its thread is gone; vacant once no slot mentions it. */
export const CLIENT_RECLAIMED = -1;
/** A thread is finding out whether that is so. */
export const CLIENT_SETTLING = -2;

/** Followed by the clients, the workers and the slots. */
export const schedulerRoot = root('scheduler/scheduler', 6, {
  startMs: immutable('f64', {
    doc: 'when it was created, in milliseconds since 1970: deadlines count from here',
  }),
  policy: immutable('i32', { doc: 'POLICY_ ...' }),
  slots: immutable('i32', { doc: 'tasks in the scheduler at most' }),
  inlineBytes: immutable('i32', { doc: 'bytes of arguments, or of a result, that lie in the slot' }),
  payloadBytes: immutable('i32', { doc: 'bytes of arguments, and of a result, at most' }),
  slabAt: immutable('i32', { doc: 'address of the slab, 0 where no payload is larger than a slot' }),
  shapesAt: immutable('i32', { doc: 'address of the name table of shapes of records' }),
  timesAt: immutable('i32', { doc: 'address of the times of tasks, 0 where nobody asks for them' }),
  watchAt: immutable('i32', { doc: 'address of what is counted of polls, 0 where nobody watches them' }),
  strideBytes: immutable('i32', { doc: 'from one slot to the next' }),
  share: immutable('i32', {
    doc: 'hints that wait in a lane for each that a worker takes at once; 0: it takes one',
  }),
  batch: immutable('i32', { doc: 'hints that a worker takes at once, at most: what its deque has room for' }),
  stealBatch: immutable('i32', { doc: 'hints that a worker steals at once, at most; POLICY_WORK_STEALING' }),
  victimsAt: immutable('i32', {
    doc: 'address of the first row of victims: a row for each worker; POLICY_WORK_STEALING',
  }),
  orderAt: immutable('i32', {
    doc: 'address of the tickets of slots (POLICY_FIFO) or of node 0 of the tree of deadlines (POLICY_DEADLINE)',
  }),
  leaves: immutable('i32', { doc: 'of the tree of deadlines: a power of two, at least 2' }),
  laneShift: immutable('i32', { doc: 'a lane has room for 2 to the power of this many hints' }),
  laneBytes: immutable('i32', { doc: 'from one lane to the next' }),
  pinnedShift: immutable('i32', { doc: 'the same of a pinned lane' }),
  pinnedBytes: immutable('i32', { doc: 'from one pinned lane to the next' }),
  maxClients: immutable('i32', { doc: 'places for clients' }),
  threads: immutable('i32', { doc: 'places for workers' }),
  common: immutable('i32', {
    doc: 'places for workers that take tasks of lanes: the first ones; the others take those of the slow lane',
  }),
  slowAt: immutable('i32', { doc: 'address of the slow lane, 0 where there is none' }),
  tiersAt: immutable('i32', { doc: 'address of the tiers of names, 0 where there are none' }),
  freeAt: immutable('i32', { doc: 'address of the free list, an index stack' }),
  readyAt: immutable('i32', {
    doc: 'address of the ready words: for each level, then for each worker, a bit for each client',
  }),
  lanesAt: immutable('i32', {
    doc: 'address of the first lane: those of client 0, the owner of the scheduler, come first',
  }),
  pinnedAt: immutable('i32', {
    doc: 'address of the first pinned lane: for each client from 1 on, one for each worker',
  }),
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
  growth: atomic('i32', {
    hot: 'phase',
    doc: 'GROWTH_NONE, _ARMED or _ASKED',
    writer: 'the owner arms it; a client that finds no worker parked asks',
    reader: 'clients',
  }),
  bell: atomic('i32', {
    line: true,
    hot: 'bell',
    doc: 'grows when the owner has something to look at: a condemned slot, a task that needs another worker, a task finished while closing',
    writer: 'clients that condemn or ask for a worker, workers that finish while closing',
    reader: 'the owner waits on it',
  }),
  tickets: atomic('i32', {
    line: true,
    hot: 'tickets',
    doc: 'tasks submitted so far; wraps. Under POLICY_FIFO all, under POLICY_DEADLINE those with a deadline',
    writer: 'clients',
    reader: 'clients',
  }),
  levels: atomic('i32', {
    line: true,
    hot: 'levels',
    doc: 'bit l: there may be hints in lanes of level l',
    writer: 'clients set a bit after they have pushed; a worker that finds none clears it, and looks again',
    reader: 'workers, clients',
  }),
  hungry: atomic('i32', {
    line: true,
    hot: 'hungry',
    doc: 'not 0: a client found no free slot; whoever keeps some to itself gives them back',
    writer: 'a client that found none sets it; whoever gives back clears it',
    reader: 'clients',
  }),
  starving: atomic('i32', {
    hot: 'hungry',
    doc: 'slotAsk of a client that waits and has no slot at all; 0: nobody. Others that have tasks waiting give it one, and leave it what is free',
    writer:
      'a client that starves sets it, and clears it when it has a slot; one that is not answered is overwritten',
    reader: 'clients',
  }),
  parked: atomic(128, {
    line: true,
    hot: 'parked',
    doc: 'bit w of word w / 32: worker w is parked. Clearing a bit is the claim to wake that worker',
    writer: 'the worker sets its bit; whoever wakes it, or itself, clears it',
    reader: 'any thread that enters a task',
  }),
  live: atomic(128, {
    line: true,
    doc: 'bit w of word w / 32: the seat of worker w has a thread, or will have one without being asked',
    writer: 'the owner',
    reader: 'clients, after they have pinned a task to it',
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
    visit: atomic('i32', {
      doc: 'grows when the place is taken: tells a client from those that had it before; wraps',
      writer: 'the thread that attaches, having claimed the place',
      reader: 'workers that have a line to the client',
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
    pinned: atomic('i32', {
      hot: 'wake',
      doc: 'not 0: there may be hints in lanes that are pinned to this worker',
      writer: 'clients set it after they have pushed; the worker, finding none, clears it and looks again',
      reader: 'the worker, the owner',
    }),
    leaves: atomic('i32', {
      hot: 'wake',
      doc: 'WORKER_STAYS, WORKER_LEAVES or WORKER_SPENT',
      writer: 'the owner; the worker before it ends by itself',
      reader: 'the worker, after it was parked; the owner, after its end',
    }),
    dequeAt: immutable('i32', { line: true, doc: 'address of its deque, order fifo, of hints' }),
    batchLevel: guarded('being the worker', 'i32', {
      line: true,
      hot: 'worker',
      doc: 'the level that the hints in its deque were taken from; -1 where it was found empty',
    }),
    fairLevel: guarded('being the worker', 'i32', {
      hot: 'worker',
      doc: 'the level of its last claim in turn',
    }),
    slowTurn: guarded('being the worker', 'i32', {
      hot: 'worker',
      doc: 'slowTurn: whose turn it is in the slow lane',
    }),
    cpu: atomic('i32', {
      doc: 'CPU that it is placed on, + 1; 0: not known',
      writer: 'the worker, before it takes tasks',
      reader: 'clients that pin tasks, the owner',
    }),
    node: atomic('i32', { doc: 'the same of its NUMA node', writer: 'the worker', reader: 'the same' }),
    cache: atomic('i32', {
      doc: 'the same of its last-level cache',
      writer: 'the worker',
      reader: 'the owner',
    }),
    thread: atomic('i32', {
      doc: 'id of its thread + 1 while it takes tasks; 0: it starts, or there is none',
      writer: 'the worker, before its first task; the owner, before it starts one and after its end',
      reader: 'the watchdog',
    }),
    held: atomic('i32', {
      doc: 'not 0: the owner has its thread stand still, and time does not count for the watchdog',
      writer: 'the owner',
      reader: 'the watchdog',
    }),
    ping: atomic('i32', {
      line: true,
      doc: 'grows when the watchdog asks whether its event loop turns; wraps',
      writer: 'the watchdog',
      reader: 'the worker waits on it',
    }),
    nextClient: guarded('being the worker', 'i32', { hot: 'worker', doc: 'whose lane it looks at first' }),
    completed: atomic('i32', {
      hot: 'worker',
      doc: 'tasks that returned; wraps',
      writer: 'the worker',
      reader: 'any thread',
    }),
    idle: atomic('i32', {
      hot: 'worker',
      doc: 'how long it has been parked: of idle-time.ts',
      writer: 'the worker, when it parks and when it goes on; the owner, before it starts one',
      reader: 'any thread',
    }),
    failed: atomic('i32', { doc: 'tasks that threw; wraps', writer: 'the worker', reader: 'any thread' }),
    poll: ownerOnly('i32', {
      line: true,
      hot: 'poll',
      doc: 'grows when a poll begins and when it ends: odd while code of a task runs; wraps. The owner sets it to 0 before it starts a worker. Others read it, and what they find may be of a moment ago',
    }),
    loop: ownerOnly('i32', {
      doc: '1 while its event loop turns, or should; 0: the thread blocks on purpose, imports, or has not come so far',
    }),
    echo: ownerOnly('i32', { doc: 'what `ping` was when its event loop turned last' }),
    polled: ownerOnly('i32', {
      doc: 'slot of the task whose poll is under way, or was the last; written before `poll`',
    }),
    lost: atomic('i32', {
      doc: 'tasks that ended with the worker; wraps',
      writer: 'the owner',
      reader: 'any thread',
    }),
    moved: atomic('i32', {
      doc: 'tasks that went on to the slow lane; wraps',
      writer: 'the worker',
      reader: 'any thread',
    }),
  },
  { alignBytes: 128 },
);

/** For each worker threads - 1 of these: the others, the one to steal from first in front. */
export const victimCell = struct('scheduler/victim', 1, {
  worker: atomic('i32', {
    doc: 'party of a worker; 0: nobody. A row that is being written may name one twice and another not: whoever has found nothing looks again',
    writer: 'the owner',
    reader: 'the worker of the row',
  }),
});

/** One for each slot, under POLICY_FIFO. */
export const slotTicket = struct('scheduler/slot-ticket', 1, {
  ticket: atomic('i32', {
    doc: 'what `tickets` was when its task was submitted',
    writer: 'its client',
    reader: 'workers that look which task is the oldest',
  }),
});

/**
 * Under POLICY_DEADLINE: node 1 is the root of the tree, the children of node n are 2n and 2n + 1. From node `leaves` on they are leaves, one
 * for each slot: then the halves are those of deadlineKey.
 */
export const deadlineNode = struct('scheduler/deadline-node', 1, {
  winner: atomic('i64', {
    doc: 'low: slot + 1 below it with the earliest deadline, or that has none any more; 0: none. High: grows with each look',
    writer: 'whoever has changed a leaf below it',
    reader: 'workers',
  }),
});
/** Low half of a leaf: the deadline, 0 for none. High half: */
export const deadlineKey = bits('scheduler/deadline-key', 32, { generation: 8, ticket: 24 });

/** Of one client and level, or of one client and worker; followed by the hints. One producer, the client; workers take. */
export const laneHead = struct(
  'scheduler/lane',
  1,
  {
    head: guarded('being the client', 'i32', {
      line: true,
      hot: 'client',
      doc: 'position of the next hint; runs freely and wraps',
    }),
    tailSeen: guarded('being the client', 'i32', {
      hot: 'client',
      doc: '`tail` when the client looked last: never more than it',
    }),
    tail: atomic('i32', {
      line: true,
      hot: 'tail',
      doc: 'position of the oldest hint; its CAS takes hints',
      writer: 'workers; of a pinned lane, its worker alone, after it has claimed the slot',
      reader: 'workers, the client',
    }),
  },
  { alignBytes: 128 },
);

/** Position p is in cell p mod the lane's room. */
export const laneCell = struct('scheduler/lane-cell', 1, {
  hint: atomic('i32', {
    doc: 'slotHint; its lap says that it is the one of this position, and publishes it',
    writer: 'the client',
    reader: 'workers; a late one throws away what it read',
  }),
});

const HOLDER = 'the state: its client while HELD, its worker while it runs, its client again after DONE';

/** Followed by the payload. */
export const slotHead = struct('scheduler/slot', 3, {
  state: atomic('i32', {
    doc: 'slotState; publishes everything else in the slot',
    writer: 'its client, its worker, the owner of the scheduler',
    reader: 'the same',
  }),
  next: guarded('the state; the client’s list publishes it', 'i32', {
    doc: 'slot + 1 finished before this one, 0 at the end of the list',
  }),
  task: guarded(HOLDER, 'i32', { doc: 'index of its name' }),
  kind: guarded(HOLDER, 'i32', { doc: 'payloadKind of the arguments, then of the result' }),
  lengthBytes: guarded(HOLDER, 'i32', { doc: 'of the payload' }),
  lane: guarded(HOLDER, 'i32', { doc: 'its level of priority, or LEVELS + the worker that it is pinned to' }),
  block: guarded(HOLDER, 'i32', { doc: 'slabBlock with the payload; 0: it lies in the slot' }),
  deadline: guarded(HOLDER, 'i32', {
    doc: 'milliseconds since the scheduler began; 0: none. After that it does not begin. The payload begins at a multiple of 8',
  }),
});

/** Followed by the lanes, the sources, and when each slot entered. */
export const slowLaneRoot = root('scheduler/slow-lane', 1, {
  capacity: immutable('i32', { doc: 'tasks that wait in it at most' }),
  perSource: immutable('i32', { doc: 'of one source at most' }),
  weights: immutable('i32', { doc: 'slowWeights' }),
  boostMs: immutable('i32', { doc: 'who has waited so long comes first, every second time' }),
  laneShift: immutable('i32', { doc: 'a lane has room for 2 to the power of this many hints' }),
  laneBytes: immutable('i32', { doc: 'from one lane to the next' }),
  sources: immutable('i32', { doc: 'names of tasks' }),
  slots: immutable('i32', { doc: 'of the scheduler' }),
  lanesAt: immutable('i32', { doc: 'address of the first lane' }),
  sourcesAt: immutable('i32', { doc: 'address of the first source: by the index of its name' }),
  enteredAt: immutable('i32', { doc: 'address of when slot 0 entered' }),
  queued: atomic('i32', {
    line: true,
    hot: 'queued',
    doc: 'slots that are QUEUED(SLOW_PARTY), and those of clients that are about to make one so, or to be refused',
    writer: 'whoever makes a slot such a one, before; whoever takes one out of that state, at once',
    reader: 'the same, the owner',
  }),
  growth: atomic('i32', {
    line: true,
    hot: 'growth',
    doc: 'GROWTH_ ... of its workers',
    writer: 'the owner arms it; a client that finds none of them parked asks',
    reader: 'clients',
  }),
  entered: atomic('i32', {
    hot: 'growth',
    doc: 'tasks so far; wraps',
    writer: 'clients',
    reader: 'any thread',
  }),
  full: atomic('i32', {
    hot: 'growth',
    doc: 'refused with SLOW_FULL; wraps',
    writer: 'clients',
    reader: 'any thread',
  }),
  throttled: atomic('i32', {
    hot: 'growth',
    doc: 'refused with SOURCE_THROTTLED; wraps',
    writer: 'clients',
    reader: 'any thread',
  }),
  boosted: atomic('i32', {
    hot: 'growth',
    doc: 'claimed because they had waited for boostMs; wraps',
    writer: 'its workers',
    reader: 'any thread',
  }),
  parked: atomic(128, {
    line: true,
    hot: 'parked',
    doc: 'as `parked` of the scheduler, of its workers',
    writer: 'the same',
    reader: 'clients that enter a task',
  }),
});

/** Tasks of a lane that are taken before it is the next lane’s turn. */
export const slowWeights = bits('scheduler/slow-weights', 32, { critical: 8, high: 8, normal: 8, low: 8 });

/** `lane` has its turn, for `left` tasks more; `boosted` 1: the last one had waited long. */
export const slowTurn = bits('scheduler/slow-turn', 32, { lane: 2, left: 8, boosted: 1, unused: 21 });

/** Followed by the hints, laneCell each. Any client pushes, its workers take. */
export const slowLaneHead = struct(
  'scheduler/slow-lane-head',
  1,
  {
    head: atomic('i32', {
      line: true,
      hot: 'head',
      doc: 'position of the next hint; its CAS is the claim to write there. Runs freely and wraps',
      writer: 'clients',
      reader: 'clients',
    }),
    tail: atomic('i32', {
      line: true,
      hot: 'tail',
      doc: 'position of the oldest hint',
      writer: 'who has claimed the slot that it leads to, or found it stale',
      reader: 'workers, clients',
    }),
  },
  { alignBytes: 128 },
);

/** Of each name. */
export const slowSource = struct('scheduler/slow-source', 1, {
  queued: atomic('i32', {
    doc: 'as `queued` of the slow lane, of this source',
    writer: 'the same',
    reader: 'the same, workers that are about to move a task',
  }),
});

/** Of each slot. */
export const slowSlot = struct('scheduler/slow-slot', 1, {
  enteredMs: atomic('i32', {
    doc: 'when it was queued last, by sharedNowMs(); wraps',
    writer: 'its client',
    reader: 'workers that look who has waited longest',
  }),
});

/** When tasks begin and end: followed by slotTimes of each slot. */
export const timesRoot = root('scheduler/times', 1, {});

/** Milliseconds of the monotonic clock of the machine. */
export const slotTimes = struct(
  'scheduler/slot-times',
  1,
  {
    begun: guarded(HOLDER, 'f64', { doc: 'when its worker claimed the task' }),
    ended: guarded(HOLDER, 'f64', { doc: 'when its worker had the result; 0: it has not' }),
  },
  { alignBytes: 64 },
);

/** Tiers of tasks by name: followed by a tierCell for each. PROTOCOL.md, "Tiers of names". */
export const tiersRoot = root('scheduler/tiers', 1, {
  names: immutable('i32', { doc: 'cells that follow' }),
});

export const tierCell = struct(
  'scheduler/tier-cell',
  1,
  {
    holder: atomic('i32', {
      hot: 'record',
      doc: 'party of the worker that has the record, TIER_MENDER, or 0: nobody. Publishes the record',
      writer: 'workers take and give it; the owner takes it from one that has ended',
      reader: 'the same',
    }),
    tier: atomic('i32', {
      hot: 'record',
      doc: 'TIER_ ... of the name, as the record says',
      writer: 'whoever has the record',
      reader: 'clients that submit, workers',
    }),
    record: guarded('holder', tierRecord.bytes, { hot: 'record', doc: 'a tierRecord; all 0: none yet' }),
  },
  { alignBytes: 128 },
);
/** The owner, that mends the record of a worker that has ended. */
export const TIER_MENDER = -1;

/** `form` is a number of payload-kind.ts, `moved` MOVED_ ... or 0, `threw` 1 where it was thrown; `detail` belongs to the form. */
export const payloadKind = bits('scheduler/payload-kind', 32, {
  form: 5,
  moved: 2,
  threw: 1,
  list: 1,
  detail: 23,
});

/** Memory for payloads that are larger than a slot: followed by the classes, the links and the blocks. */
export const slabRoot = root('scheduler/slab', 1, {
  granules: immutable('i32', { doc: 'of GRANULE_BYTES each' }),
  classes: immutable('i32', { doc: 'sizes of blocks' }),
  linksAt: immutable('i32', { doc: 'address of the first link' }),
  blocksAt: immutable('i32', { doc: 'address of the first granule' }),
  cut: atomic('i32', {
    line: true,
    hot: 'cut',
    doc: 'granules that blocks have been cut from; only grows',
    writer: 'whoever finds no free block',
    reader: 'the same',
  }),
});

export const slabClass = struct(
  'scheduler/slab-class',
  1,
  {
    head: atomic('i64', {
      line: true,
      hot: 'head',
      doc: 'free blocks: first granule + 1 and tag, as of an index stack of lock-free',
      writer: 'any thread',
      reader: 'any thread',
    }),
    most: immutable('i32', {
      line: true,
      doc: 'blocks of this class are cut below this granule: what is left is for larger ones',
    }),
  },
  { alignBytes: 128 },
);

/** One for each granule; of a block, that of its first one counts. */
export const slabLink = struct('scheduler/slab-link', 1, {
  next: atomic('i32', {
    doc: 'granule + 1 of the free block below, 0 at the end. Atomic, because a thread that is late with its pop may still read it',
    writer: 'whoever frees the block',
    reader: 'whoever takes it',
  }),
});
