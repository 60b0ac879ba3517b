// A case that runs in a process of its own, in Node or in C, on the file of its group.
import { Companion, type Spent } from '../../companion.ts';
import { RawProgram } from '../../raw-program.ts';
import type { BatchCase, BatchResult } from '../../suite.ts';
import { Held } from '../state/held.ts';
import type { BlockFile, SharedBlockFile } from './block-file.ts';
import type { How, TaskAnswer, TaskOptions, TaskRequest } from './task.ts';

/** CPU time of the process for each operation. */
export const CPU = 'cpu';

interface Running {
  run(operations: number): Promise<Spent & { readonly successful: number }>;
  stop(): void;
}

export type Start = (options: TaskOptions) => Promise<Running>;

export interface CaseOptions extends Omit<TaskOptions, 'path'> {
  readonly shared: SharedBlockFile;
  /** An operation is as many bytes: its rate is a figure as well. */
  readonly rated?: boolean;
}

/** @throws whatever `ready` does; the process is gone then */
async function started<Process extends Disposable>(
  process: Process,
  ready: (process: Process) => Promise<unknown>,
): Promise<Process> {
  try {
    await ready(process);
    return process;
  } catch (error) {
    process[Symbol.dispose]();
    throw error;
  }
}

/** @param threads of libuv's pool */
export function inNode(how: How, threads = 4): Start {
  return async (options) => {
    const companion = await started(
      Companion.start('suites/io-ring/task-process', { UV_THREADPOOL_SIZE: String(threads) }),
      (fresh) => fresh.request({ type: 'open', how, ...options } satisfies TaskRequest),
    );
    return {
      run: (operations) => companion.request<TaskAnswer>({ type: 'run', operations } satisfies TaskRequest),
      stop: () => companion[Symbol.dispose](),
    };
  };
}

/**
 * @param open the line that makes the program ready
 * @param operation a name of native/*.c
 */
export function inC(open: (options: TaskOptions) => string, operation: string): Start {
  return async (options) => {
    const program = await started(RawProgram.start(), (fresh) => fresh.request(open(options)));
    return {
      async run(operations) {
        const result = await program.run(operation, operations);
        if (result.successful !== operations)
          throw new Error(`${result.successful} of ${operations} succeeded in C: ${result.lastError}`);
        return result;
      },
      stop: () => program[Symbol.dispose](),
    };
  };
}

export function taskCase(
  definition: Pick<BatchCase, 'name' | 'role'> & Partial<Pick<BatchCase, 'note' | 'against'>>,
  { shared, rated = false, ...options }: CaseOptions,
  start: Start,
): BatchCase {
  const held = new Held<{ readonly file: BlockFile; running?: Running; successful: number }>();
  return {
    ...definition,
    bare: true,
    async setup() {
      const file = shared.acquire();
      const state = held.set({ file, successful: 0 });
      if (options.direct) file.requireDirect();
      Object.assign(state, { running: await start({ path: file.path, ...options }) });
    },
    async batch(operations): Promise<BatchResult> {
      const state = held.get();
      if (state.running === undefined) throw new Error('the process did not start');
      if (!options.direct) state.file.warm();
      const { successful, elapsedNs, cpuNs } = await state.running.run(operations);
      state.successful += successful;
      const rate = rated ? { rate: { value: (options.bytes * operations) / elapsedNs, unit: 'GB/s' } } : {};
      return {
        successful,
        elapsedNs,
        metrics: { ...rate, [CPU]: { value: cpuNs / operations, unit: 'ns' } },
      };
    },
    check({ operations }) {
      const { successful } = held.get();
      return successful === operations ? undefined : `${successful} of ${operations} were as they should be`;
    },
    teardown() {
      const state = held.take();
      if (state === undefined) return;
      state.running?.stop();
      shared.release();
    },
  };
}
