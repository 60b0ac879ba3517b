/** What every error of this package is: a `code` to switch on, and a message with what was found and what was expected. */
export class SchedulerError extends Error {
  readonly code: string;
  override readonly name: string = 'SchedulerError';

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** No room for another task. It was not accepted; try later, or answer that the service is overloaded. */
export class QueueFullError extends SchedulerError {
  override readonly name = 'QueueFullError';
  /** The option `maxQueue`. */
  readonly maxQueue: number;
  /** Tasks of this client whose end is not known yet. */
  readonly inFlight: number;

  constructor(maxQueue: number, inFlight: number) {
    super(
      'ERR_QUEUE_FULL',
      `${maxQueue} tasks of this client wait for a slot, expected fewer (option maxQueue); ${inFlight} are in flight`,
    );
    this.maxQueue = maxQueue;
    this.inFlight = inFlight;
  }
}

/** No worker is placed where a task is pinned to. It was not accepted. */
export class NoSeatError extends SchedulerError {
  override readonly name = 'NoSeatError';
  readonly place: 'cpu' | 'node';
  readonly value: number;
  /** Where workers are placed, as far as `Affinity.place` has said so. */
  readonly known: readonly number[];

  constructor(place: 'cpu' | 'node', value: number, known: readonly number[]) {
    super(
      'ERR_NO_SEAT',
      `no worker is placed on ${place} ${value}, expected ${known.length === 0 ? 'an option affinity that says where workers are' : `one of ${known.join(', ')}`}`,
    );
    this.place = place;
    this.value = value;
    this.known = known;
  }
}

/** It was given up for tasks of a higher priority, or newer ones are not taken: `onFull: 'shedLowest'`. It never ran. */
export class TaskShedError extends SchedulerError {
  override readonly name = 'TaskShedError';
  readonly task: string;
  /** Its priority, 0 to 20. */
  readonly level: number;
  /** The option `maxQueue`. */
  readonly maxQueue: number;

  constructor(task: string, level: number, maxQueue: number) {
    super(
      'ERR_TASK_SHED',
      `task ${task} of priority ${level} was shed: ${maxQueue} tasks of this client wait for a slot, expected fewer (options maxQueue, onFull)`,
    );
    this.task = task;
    this.level = level;
    this.maxQueue = maxQueue;
  }
}

/** As many tasks wait in the slow lane as may. This one was not accepted there. */
export class SlowLaneFullError extends SchedulerError {
  override readonly name = 'SlowLaneFullError';
  readonly task: string;
  /** The option `slowLane.capacity`. */
  readonly capacity: number;

  constructor(task: string, capacity: number) {
    super(
      'ERR_SLOW_LANE_FULL',
      `no room for task ${task} in the slow lane: ${capacity} tasks wait there, or hints of cancelled ones, expected fewer (option slowLane.capacity)`,
    );
    this.task = task;
    this.capacity = capacity;
  }
}

/** As many tasks of this name wait in the slow lane as may of one source. This one was not accepted there. */
export class SourceThrottledError extends SchedulerError {
  override readonly name = 'SourceThrottledError';
  readonly task: string;
  /** The option `slowLane.perSource`. */
  readonly perSource: number;

  constructor(task: string, perSource: number) {
    super(
      'ERR_SOURCE_THROTTLED',
      `${perSource} tasks ${task} wait in the slow lane, expected fewer of one name (option slowLane.perSource)`,
    );
    this.task = task;
    this.perSource = perSource;
  }
}

/** There are as many different tasks as the scheduler has names for. It was not accepted. `cause` is the error of the table of names. */
export class TooManyTasksError extends SchedulerError {
  override readonly name = 'TooManyTasksError';
  readonly task: string;
  /** The option `maxTasks`. */
  readonly maxTasks: number;

  constructor(task: string, maxTasks: number, cause: unknown) {
    super(
      'ERR_TOO_MANY_TASKS',
      `no room for task ${task}: the scheduler knows ${maxTasks} different tasks, expected fewer (option maxTasks)`,
      { cause },
    );
    this.task = task;
    this.maxTasks = maxTasks;
  }
}

/** Arguments or a result have more bytes than the scheduler takes. Pass a view of shared memory instead. */
export class PayloadTooLargeError extends SchedulerError {
  override readonly name = 'PayloadTooLargeError';
  readonly what: 'arguments' | 'result';
  readonly bytes: number;
  readonly limitBytes: number;

  constructor(what: 'arguments' | 'result', task: string, bytes: number, limitBytes: number) {
    super(
      'ERR_PAYLOAD_TOO_LARGE',
      `${what} of task ${task}: ${bytes} bytes, expected at most ${limitBytes} (option payloadBytes)`,
    );
    this.what = what;
    this.bytes = bytes;
    this.limitBytes = limitBytes;
  }
}

/** There is no memory at the moment for what a task threw, and is no error: tasks that are queued, running or not yet collected have it. Arguments wait, and results go by a message port. */
export class PayloadMemoryError extends SchedulerError {
  override readonly name = 'PayloadMemoryError';
  readonly what: 'arguments' | 'result';
  readonly bytes: number;
  /** Of all payloads that are larger than a slot. */
  readonly memoryBytes: number;

  constructor(what: 'arguments' | 'result', task: string, bytes: number, memoryBytes: number) {
    super(
      'ERR_PAYLOAD_MEMORY',
      `${what} of task ${task}: no ${bytes} bytes are free in a piece, of ${memoryBytes} (option payloadMemoryBytes)`,
    );
    this.what = what;
    this.bytes = bytes;
    this.memoryBytes = memoryBytes;
  }
}

/** Arguments or a result that structured clone, or the codec, refuses: a function, a port that nobody said is transferred. `cause` is its error. */
export class NotCloneableError extends SchedulerError {
  override readonly name = 'NotCloneableError';

  constructor(what: 'arguments' | 'result', task: string, cause: unknown) {
    super(
      'ERR_NOT_CLONEABLE',
      `${what} of task ${task} cannot be cloned: ${messageOf(cause)}${transferHint(what, cause)}`,
      { cause },
    );
  }
}

/** Arguments that travelled by a message port are gone with their client, or were taken before: the task did not run. */
export class ValueLostError extends SchedulerError {
  override readonly name = 'ValueLostError';

  constructor(slot: number) {
    super(
      'ERR_VALUE_LOST',
      `the value of slot ${slot} could not be had from its client, expected it to be attached and waiting`,
    );
  }
}

/** A worker found no such task: its module does not export what `defineTasks` returned, or could not be imported (`cause`). */
export class TaskNotFoundError extends SchedulerError {
  override readonly name = 'TaskNotFoundError';

  constructor(message: string, options?: ErrorOptions) {
    super('ERR_TASK_NOT_FOUND', message, options);
  }
}

/** A slot holds what nobody here wrote: memory was overwritten. */
export class CorruptSlotError extends SchedulerError {
  override readonly name = 'CorruptSlotError';

  constructor(message: string, options?: ErrorOptions) {
    super('ERR_CORRUPT_SLOT', message, options);
  }
}

/** A task was not finished in `timeoutMs`. If it was running, it was told, and after `graceMs` its worker is terminated. */
export class TaskTimeoutError extends SchedulerError {
  override readonly name = 'TaskTimeoutError';
  readonly task: string;
  readonly timeoutMs: number;
  /** Whether it had started. */
  readonly wasRunning: boolean;

  constructor(task: string, timeoutMs: number, wasRunning: boolean) {
    super(
      'ERR_TASK_TIMEOUT',
      `task ${task} was ${wasRunning ? 'still running' : 'still queued'} after ${timeoutMs} ms`,
    );
    this.task = task;
    this.timeoutMs = timeoutMs;
    this.wasRunning = wasRunning;
  }
}

/** Thrown in a worker, at a checkpoint of a task that nobody waits for any more, so that its `finally` blocks run and its worker stays. */
export class TaskCancelledError extends SchedulerError {
  override readonly name = 'TaskCancelledError';
  readonly task: string;

  constructor(task: string) {
    super('ERR_TASK_CANCELLED', `task ${task} was stopped at a checkpoint: nobody waits for it any more`);
    this.task = task;
  }
}

/** A task was not finished at `deadlineMs`. If it was running, it was told, and after `graceMs` its worker is terminated; else it never ran. */
export class TaskDeadlineError extends SchedulerError {
  override readonly name = 'TaskDeadlineError';
  readonly task: string;
  /** Milliseconds since the epoch. */
  readonly deadlineMs: number;
  /** Whether it had started. */
  readonly wasRunning: boolean;

  constructor(task: string, deadlineMs: number, wasRunning: boolean) {
    const lateMs = Math.max(0, performance.timeOrigin + performance.now() - deadlineMs);
    super(
      'ERR_TASK_DEADLINE',
      `task ${task} was ${wasRunning ? 'still running' : 'not yet begun'} ${lateMs.toFixed(1)} ms after its deadline, ${new Date(deadlineMs).toISOString()}`,
    );
    this.task = task;
    this.deadlineMs = deadlineMs;
    this.wasRunning = wasRunning;
  }
}

/** The worker that ran the task ended before it: it crashed, ran out of memory, called `process.exit` or was terminated. As an event, of a worker without a task. */
export class WorkerLostError extends SchedulerError {
  override readonly name = 'WorkerLostError';
  readonly task: string;
  /** Index of the worker. */
  readonly worker: number;
  readonly exitCode: number;

  /** @param when it ended, where it ran no task */
  constructor(
    task: string,
    worker: number,
    exitCode: number,
    cause?: unknown,
    when = `while it ran task ${task}`,
  ) {
    super(
      'ERR_WORKER_LOST',
      `worker ${worker} ended with code ${exitCode} ${when}${reasonOf(cause)}`,
      cause === undefined ? undefined : { cause },
    );
    this.task = task;
    this.worker = worker;
    this.exitCode = exitCode;
  }
}

/** A poll of the task was longer than option `watchdog.killMs`: its worker was terminated. It does not run again, even where it is idempotent. */
export class TaskStuckError extends SchedulerError {
  override readonly name = 'TaskStuckError';
  readonly task: string;
  /** Index of the worker. */
  readonly worker: number;
  /** How long the poll had lasted, at least. */
  readonly ms: number;
  /** The option `watchdog.killMs`. */
  readonly killMs: number;
  /** Where in its code the task was: a line for each frame. Undefined where that was not to be had. The error's own `stack` has it, too. */
  readonly taskStack: string | undefined;

  constructor(task: string, worker: number, ms: number, killMs: number, taskStack: string | undefined) {
    super(
      'ERR_TASK_STUCK',
      `task ${task} had not come to an end, or a point at which it can be left, after ${ms.toFixed(0)} ms on worker ${worker}, which was terminated: expected at most ${killMs} (option watchdog.killMs)`,
    );
    this.task = task;
    this.worker = worker;
    this.ms = ms;
    this.killMs = killMs;
    this.taskStack = taskStack;
    if (taskStack !== undefined) this.stack = `${this.name}: ${this.message}\n${taskStack}`;
  }
}

/** A worker can not be made to stand still. The message has the reason; `cause` is the error of the `Interrupt`, where it has one. */
export class NotParkedError extends SchedulerError {
  override readonly name = 'NotParkedError';
  /** Index of the worker. */
  readonly worker: number;

  constructor(worker: number, reason: string, options?: ErrorOptions) {
    super('ERR_NOT_PARKED', `worker ${worker} does not stand still: ${reason}`, options);
    this.worker = worker;
  }
}

/** A worker could not be started `failures` times in a row; the scheduler gave up and is closed. `cause` is the last failure. */
export class WorkerStartError extends SchedulerError {
  override readonly name = 'WorkerStartError';
  readonly failures: number;

  constructor(failures: number, exitCode: number, cause: unknown) {
    super(
      'ERR_WORKER_START',
      `${failures} workers in a row ended before they were ready, the last with code ${exitCode}${reasonOf(cause)}`,
      cause === undefined ? undefined : { cause },
    );
    this.failures = failures;
  }
}

/** The scheduler, or this client of it, takes no tasks any more; or it was destroyed with this task in it. `cause` is the WorkerStartError where its workers could not be started. */
export class SchedulerClosedError extends SchedulerError {
  override readonly name = 'SchedulerClosedError';

  constructor(message: string, options?: ErrorOptions) {
    super('ERR_SCHEDULER_CLOSED', message, options);
  }
}

/** This client was reclaimed (`reclaimClient`) while its thread was alive. */
export class ClientLostError extends SchedulerError {
  override readonly name = 'ClientLostError';

  constructor(client: number) {
    super(
      'ERR_CLIENT_LOST',
      `client ${client} was reclaimed by the owner of the scheduler, expected it to be attached`,
    );
  }
}

/** All places for clients are taken. */
export class ClientsExhaustedError extends SchedulerError {
  override readonly name = 'ClientsExhaustedError';

  constructor(most: number) {
    super('ERR_CLIENTS_EXHAUSTED', `${most} clients are attached, expected fewer (option maxClients)`);
  }
}

/** Where something is not transferred because nobody said so: how to say it. `move` marks the whole alone, and `transferList` what lies deeper. */
function transferHint(what: 'arguments' | 'result', cause: unknown): string {
  const message = messageOf(cause);
  if (message.includes('moveMarksArgumentsOrAResultAsAWhole'))
    return what === 'arguments'
      ? ' (name what lies within other values in option transferList of run)'
      : ' (return move() of an object that names it under transferableSymbol, and itself under valueSymbol)';
  if (!message.includes('not listed in transferList')) return '';
  return what === 'arguments'
    ? ' (name it in option transferList of run, or give move() of it as the whole of the arguments)'
    : ' (return move() of it, or of an object that names it under transferableSymbol, and the value under valueSymbol)';
}

function reasonOf(cause: unknown): string {
  return cause === undefined ? '' : `: ${messageOf(cause)}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Hooks could not be exchanged on some workers: these go on with those that they had. */
export class HooksError extends SchedulerError {
  override readonly name = 'HooksError';
  /** URL of the module of the new ones. */
  readonly module: string | undefined;
  /** Which workers, and why. */
  readonly failures: readonly string[];

  constructor(module: string | undefined, failures: readonly string[]) {
    super(
      'ERR_HOOKS',
      `hooks of ${module ?? '(none)'} are not in force on ${failures.length} workers, expected none: ${failures.join('; ')}`,
    );
    this.module = module;
    this.failures = failures;
  }
}
