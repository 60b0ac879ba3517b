// Blocks of 4 KiB read at random: promises, callbacks, batches and blocking calls, each in a process of its own, and a loop in C.
import { Companion } from '../../companion.ts';
import { RawProgram, type RawResult } from '../../raw-program.ts';
import type { BatchCase, BatchGroup, BatchResult, Claim } from '../../suite.ts';
import { Held } from '../state/held.ts';
import { SharedBlockFile, type BlockFile } from './block-file.ts';
import { FILE_BLOCKS, FILE_BYTES } from './blocks.ts';
import type { ReadAnswer, ReadRequest } from './read-process.ts';
import type { ReaderOptions } from './readers.ts';

type How = Extract<ReadRequest, { type: 'open' }>['how'];

interface Running {
  /** Reads so many blocks, outside of this process. */
  read(
    operations: number,
  ): Promise<{ readonly successful: number; readonly elapsedNs: number; readonly cpuNs: number }>;
  stop(): void;
}

const CPU = 'cpu';

function readingCase(
  definition: Pick<BatchCase, 'name' | 'role'> & Partial<Pick<BatchCase, 'note'>>,
  { depth, direct, shared }: { depth: number; direct: boolean; shared: SharedBlockFile },
  start: (options: ReaderOptions) => Promise<Running>,
): BatchCase {
  const held = new Held<{ readonly file: BlockFile; running?: Running; successful: number }>();
  return {
    ...definition,
    bare: true,
    async setup() {
      const file = shared.acquire();
      const state = held.set({ file, successful: 0 });
      if (direct) file.requireDirect();
      Object.assign(state, { running: await start({ path: file.path, depth, direct }) });
    },
    async batch(operations): Promise<BatchResult> {
      const state = held.get();
      if (state.running === undefined) throw new Error('the reader did not start');
      if (!direct) state.file.warm();
      const { successful, elapsedNs, cpuNs } = await state.running.read(operations);
      state.successful += successful;
      return { successful, elapsedNs, metrics: { [CPU]: { value: cpuNs / operations, unit: 'ns' } } };
    },
    check({ operations }) {
      const { successful } = held.get();
      return successful === operations
        ? undefined
        : `${successful} of ${operations} blocks came as they should`;
    },
    teardown() {
      const state = held.take();
      if (state === undefined) return;
      state.running?.stop();
      shared.release();
    },
  };
}

function inNode(how: How, threads?: number): (options: ReaderOptions) => Promise<Running> {
  return async (options) => {
    const companion = Companion.start(
      'suites/io-ring/read-process',
      threads === undefined ? {} : { UV_THREADPOOL_SIZE: String(threads) },
    );
    const stop = (): void => companion[Symbol.dispose]();
    try {
      await companion.request<null>({ type: 'open', how, ...options } satisfies ReadRequest);
    } catch (error) {
      stop();
      throw error;
    }
    return {
      read: (operations) => companion.request<ReadAnswer>({ type: 'read', operations } satisfies ReadRequest),
      stop,
    };
  };
}

async function inC({ path, depth, direct }: ReaderOptions): Promise<Running> {
  const program = RawProgram.start();
  const stop = (): void => program[Symbol.dispose]();
  try {
    await program.request(`uring-open ${depth} ${FILE_BLOCKS} ${direct ? 1 : 0} ${path}`);
  } catch (error) {
    stop();
    throw error;
  }
  return {
    async read(operations) {
      const result = await program.run('uring-read', operations);
      if (result.successful !== operations) throw new Error(faultOf(result, operations));
      return result;
    },
    stop,
  };
}

function faultOf({ successful, lastError }: RawResult, operations: number): string {
  return `${successful} of ${operations} reads succeeded in C: ${lastError}`;
}

const RING = 'IoFile.read()';
const BATCH = 'IoBatch.run()';
const PROMISES = 'FileHandle.read()';
const PROMISES_16 = 'FileHandle.read(), 16 threads';
const RAW = 'C io_uring';

/** What a group of this kind and depth must reach. One at a time nothing is promised: it is the price of the way there and back. */
function claimsOf(direct: boolean, depth: number): readonly Claim[] {
  if (depth === 1) return [];
  const peers = [PROMISES, PROMISES_16];
  return [
    ...peers.map((of): Claim => ({ of, against: RING, atLeast: direct ? 1.4 : 3 })),
    ...peers.map((of): Claim => ({ of, against: RING, metric: CPU, atLeast: 4 })),
    { of: RAW, against: BATCH, atLeast: 0.9 },
  ];
}

function group(direct: boolean, depth: number): BatchGroup {
  const common = { depth, direct, shared: new SharedBlockFile() };
  const kind = direct ? 'direct' : 'cached';
  return {
    kind: 'batch',
    name: `${kind}-${depth}`,
    title: `4 KiB read at random from ${FILE_BYTES / 2 ** 20} MiB ${direct ? 'with O_DIRECT' : 'in the page cache'}, ${depth} at a time`,
    note: `Every case in a process of its own, into shared memory; the first and the last word of each block are looked at. cpu: of that process with all its threads, for each read. ${direct ? '' : 'The file is read as a whole before each batch.'}`.trim(),
    cases: [
      readingCase({ name: RING, role: 'ours' }, common, inNode('ring')),
      readingCase(
        { name: BATCH, role: 'ours', note: `runs of ${depth}; blocks its thread; memory registered` },
        common,
        inNode('batch'),
      ),
      readingCase(
        { name: PROMISES, role: 'peer', note: 'libuv’s pool of 4 threads' },
        common,
        inNode('promises', 4),
      ),
      readingCase(
        { name: PROMISES_16, role: 'peer', note: 'UV_THREADPOOL_SIZE=16' },
        common,
        inNode('promises', 16),
      ),
      readingCase({ name: 'fs.read()', role: 'peer', note: 'callbacks' }, common, inNode('callback', 4)),
      readingCase({ name: 'fs.read(), 16 threads', role: 'peer' }, common, inNode('callback', 16)),
      readingCase(
        { name: 'fs.readSync()', role: 'peer', note: 'one at a time; blocks its thread' },
        common,
        inNode('sync'),
      ),
      readingCase(
        {
          name: RAW,
          role: 'limit',
          note: 'memory and file registered, each read begun again when it has completed',
        },
        common,
        inC,
      ),
    ],
    claims: claimsOf(direct, depth),
  };
}

const DEPTHS = [1, 32, 256];

export const randomReads: readonly BatchGroup[] = [false, true].flatMap((direct) =>
  DEPTHS.map((depth) => group(direct, depth)),
);
