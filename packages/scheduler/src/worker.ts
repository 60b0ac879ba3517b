// The thread of a worker. Its owner sends it one message; what it finds in `workerData` is the user's.
import { parentPort } from 'node:worker_threads';
import type { BootMessage, HooksBoot, WorkerMessage, WorkerPlace } from './boot.ts';
import { loadCodec } from './codec.ts';
import { HookPost, importHooks } from './monitor/hook-post.ts';
import { addNice } from './nice.ts';
import type { Affinity, Interrupt } from './ports.ts';
import { publishPlace } from './seats.ts';
import { SchedulerTable } from './table.ts';
import { TaskLoader } from './task-loader.ts';
import { WorkerLoop } from './worker-loop.ts';

const LONGEST_TIMER_MS = 2 ** 31 - 1;

async function main({
  handle,
  worker,
  preload,
  affinity,
  interrupt,
  codec,
  memory,
  niceIncrement,
  loop,
  hooks,
  setup,
}: BootMessage): Promise<void> {
  // Between tasks nothing else may keep the thread alive while it waits asynchronously.
  const keepAlive = setInterval(() => {}, LONGEST_TIMER_MS);
  const table = SchedulerTable.attach(handle);
  table.payloads.codec = await loadCodec(codec);
  table.payloads.memories.add(memory);
  const refusal = niceIncrement === 0 ? undefined : addNice(niceIncrement);
  if (refusal !== undefined) tell({ type: '@corelane/scheduler/warning', text: refusal });
  if (affinity !== undefined) {
    const { default: port } = (await import(affinity)) as { default?: Affinity };
    if (typeof port?.place !== 'function')
      throw new TypeError(`${affinity} has no default export with a function 'place'`);
    publishPlace(table, worker, await port.place({ worker, threads: table.threads }));
  }
  if (interrupt !== undefined) tell(await register(interrupt));
  if (setup !== undefined) {
    const module = (await import(setup.module)) as { setup(data: unknown, place: WorkerPlace): unknown };
    await module.setup(setup.data, { table, worker });
  }
  const loader = new TaskLoader(table);
  for (const module of preload) await loader.import(module);
  const workerLoop = new WorkerLoop(table, worker, loader, loop, tell);
  if (hooks !== undefined) await watchHooks(workerLoop, table, hooks);
  tell({ type: '@corelane/scheduler/ready' });
  await workerLoop.run();
  clearInterval(keepAlive);
}

async function watchHooks(loop: WorkerLoop, table: SchedulerTable, boot: HooksBoot): Promise<void> {
  const { monitor } = loop;
  if (monitor === undefined || table.watch === undefined) return;
  if (boot.module !== undefined) monitor.hooks.set(await importHooks(boot.module));
  loop.listen(new HookPost(monitor, table.watch, boot.port, boot.version, tell));
}

async function register(module: string): Promise<WorkerMessage> {
  const { default: port } = (await import(module)) as { default?: Partial<Interrupt> };
  if (typeof port?.register !== 'function')
    throw new TypeError(`${module} has no default export with a function 'register'`);
  try {
    return { type: '@corelane/scheduler/parkable', ticket: port.register() };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { type: '@corelane/scheduler/warning', text: `this worker can not be parked: ${reason}` };
  }
}

function tell(message: WorkerMessage): void {
  parentPort?.postMessage(message);
}

// A rejection is uncaught and ends the thread: its owner learns why.
parentPort?.once('message', (boot: BootMessage) => void main(boot));
