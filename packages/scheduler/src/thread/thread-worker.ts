// The thread: sets itself up, runs its function, tells how that has ended, and ends.
import { setImmediate as immediate } from 'node:timers/promises';
import { parentPort, type Transferable } from 'node:worker_threads';
import { encodeError } from '../error-record.ts';
import { exportIn, functionIn } from '../file-task.ts';
import { importModule } from '../module-import.ts';
import type { SchedulerClient } from '../scheduler-client.ts';
import type { SchedulerHandle } from '../table.ts';
import { TaskNotFoundError } from '../errors.ts';
import { tasksOf, type TaskContext } from '../tasks.ts';
import { isMoved } from '../transfer.ts';
import { TurnClock } from '../turn-clock.ts';
import { ThreadPlacementError } from './errors.ts';
import { ThreadContext } from './thread-context.ts';
import type { ThreadReport, ThreadSetting, ThreadStart } from './thread-message.ts';
import { placeThread } from './thread-place.ts';
import { ThreadProfile } from './thread-profile.ts';

type Runnable = (args: never, context: TaskContext) => unknown;

/** What of an error arrives at most. */
const ERROR_BYTES = 1 << 20;

async function main(start: ThreadStart): Promise<void> {
  const { port, control, name } = start;
  const tell = (report: ThreadReport, transferList: readonly Transferable[] = []): void =>
    port.postMessage(report, transferList);
  let client: SchedulerClient | undefined;
  let profile: ThreadProfile | undefined;
  try {
    const settings = await placeThread(start.place);
    profile = await beginProfile(start, settings);
    tell({ type: 'started', settings });
    const refusals = settings.flatMap(({ status, reason }) => (status === 'done' ? [] : [String(reason)]));
    if (start.strict && refusals.length > 0) throw new ThreadPlacementError(name, refusals);
    client = await attach(start);
    const context = new ThreadContext(control, name, client);
    const run = await load(start);
    // One that was cancelled before does not begin. Its handle knows what it has ended with.
    const value = context.cancelled()
      ? undefined
      : await runToEnd(run(start.args as never, context), context);
    if (isMoved(value)) tell({ type: 'returned', value: value.value }, value.list);
    else tell({ type: 'returned', value });
  } catch (error) {
    if (error instanceof Error)
      tell({ type: 'threw', error: encodeError(error, ERROR_BYTES), value: undefined });
    else tellValue(tell, error);
  }
  if (profile !== undefined) tell({ type: 'profiled', reason: await profile.end() });
  await client?.close();
  await Promise.all([flushed(process.stdout), flushed(process.stderr)]);
  // Whatever else its function has left behind: timers, servers.
  process.exit();
}

/** What was thrown, and is no error. */
function tellValue(tell: (report: ThreadReport) => void, thrown: unknown): void {
  try {
    tell({ type: 'threw', error: undefined, value: thrown });
  } catch {
    tell({ type: 'threw', error: undefined, value: String(thrown) });
  }
}

async function beginProfile(
  { profile }: ThreadStart,
  settings: ThreadSetting[],
): Promise<ThreadProfile | undefined> {
  if (profile === undefined) return undefined;
  try {
    const begun = await ThreadProfile.begin(profile.file, profile.intervalUs);
    settings.push({ option: 'profile', status: 'done' });
    return begun;
  } catch (error) {
    settings.push({
      option: 'profile',
      status: 'unsupported',
      reason: `profile: ${(error as Error).message}`,
    });
    return undefined;
  }
}

async function attach({ scheduler }: ThreadStart): Promise<SchedulerClient | undefined> {
  if (scheduler === undefined) return undefined;
  const { Scheduler } = (await import(scheduler.module)) as {
    Scheduler: { attach(handle: SchedulerHandle): SchedulerClient };
  };
  return Scheduler.attach(scheduler.handle);
}

/** @throws TaskNotFoundError */
async function load({ module, task }: ThreadStart): Promise<Runnable> {
  const exports = await importModule(module);
  const exported = exportIn(task);
  if (exported !== undefined) {
    const found = await functionIn(exports, exported);
    if (found !== undefined) return found;
    throw new TaskNotFoundError(
      `${module} exports ${Object.keys(exports).join(', ') || 'nothing'}, expected a function as ${exported}`,
    );
  }
  const tasks = tasksOf(exports);
  const [, run] = tasks.get(`${module}#${task}`) ?? [];
  if (run !== undefined) return run as Runnable;
  const names = [...tasks.values()].map(([{ name }]) => name);
  throw new TaskNotFoundError(
    `${module} exports tasks ${names.join(', ') || '(none)'}, expected ${task} among them: it must export what defineTasks returned`,
  );
}

type AnyGenerator = Generator<unknown, unknown, undefined> | AsyncGenerator<unknown, unknown, undefined>;

/** Generators are run to their end, but where nobody waits any more; the event loop has its turns meanwhile. */
async function runToEnd(value: unknown, { cancelled }: TaskContext): Promise<unknown> {
  const returned = await value;
  if (!isGenerator(returned)) return returned;
  const isAsync = Symbol.asyncIterator in returned;
  const clock = new TurnClock();
  clock.begin();
  for (;;) {
    // Only where there is something to wait for: an `await` costs more than a step.
    const step = returned.next();
    const { done, value: yielded } = isAsync ? await step : (step as IteratorResult<unknown>);
    if (done === true) return yielded;
    if (cancelled()) {
      await returned.return(undefined);
      return undefined;
    }
    if (!clock.step() || !clock.isTurnDue) continue;
    await immediate();
    clock.begin();
  }
}

function isGenerator(value: unknown): value is AnyGenerator {
  const generator = value as Partial<AnyGenerator> | null | undefined;
  return typeof generator?.next === 'function' && typeof generator.return === 'function';
}

function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => void stream.write('', () => resolve()));
}

// A rejection is uncaught and ends the thread: its handle learns why.
parentPort?.once('message', (start: ThreadStart) => void main(start));
