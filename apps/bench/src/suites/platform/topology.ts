// What it costs to know the machine: in a fresh process, and again in one that has read it before.
import { execFile, execFileSync } from 'node:child_process';
import { availableParallelism, cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { limits, Topology } from '@corelane/platform';
import { entryUrl } from '../../entry-url.ts';
import { NotMeasurableError } from '../../errors.ts';
import type { BatchGroup, Metric, Scenario, ScenarioGroup } from '../../suite.ts';
import { calling, empty } from './calls.ts';

const READ = 'Topology.read()';
const FRESH = 'Topology.read() in a fresh process';
const LSCPU = 'lscpu --json';
const READ_MS = 'readMs';
const TARGET_MS = 20;

const run = promisify(execFile);

const ms = (value: number): Metric => ({ value, unit: 'ms' });

/** What a first look at the machine must find. */
function fault(found: number): string | undefined {
  const [least, most] = [availableParallelism(), cpus().length];
  return found >= least && found <= most ? undefined : `${found} CPUs, expected ${least} to ${most}`;
}

function fresh(): Scenario {
  let pus = 0;
  return {
    name: FRESH,
    role: 'ours',
    note: 'importMs and readMs are within the process; processMs is from its start to its end, as the command corelane-topology would take',
    async run() {
      const file = fileURLToPath(entryUrl('suites/platform/topology-process'));
      // The group's own flags are for measuring; what matters here is where packages resolve to.
      const flags = process.execArgv.filter((flag) => flag.startsWith('--conditions'));
      const start = performance.now();
      const { stdout } = await run(process.execPath, [...flags, file]);
      const processMs = performance.now() - start;
      const found = JSON.parse(stdout) as Record<'importMs' | 'readMs' | 'pus', number>;
      ({ pus } = found);
      return {
        importMs: ms(found.importMs),
        [READ_MS]: ms(found.readMs),
        importAndReadMs: ms(found.importMs + found.readMs),
        processMs: ms(processMs),
      };
    },
    check: () => fault(pus),
  };
}

function readLscpu(): number {
  const { lscpu } = JSON.parse(execFileSync('lscpu', ['--json'], { encoding: 'utf8' })) as {
    lscpu: { field: string; data: string }[];
  };
  return Number(lscpu.find(({ field }) => field === 'CPU(s):')?.data);
}

function requireLscpu(): void {
  try {
    readLscpu();
  } catch (cause) {
    throw new NotMeasurableError(`lscpu of util-linux does not run: ${String(cause).split('\n')[0]}`, {
      cause,
    });
  }
}

function lscpuProcess(): Scenario {
  let found = 0;
  return {
    name: LSCPU,
    role: 'peer',
    setup: requireLscpu,
    run() {
      const start = performance.now();
      found = readLscpu();
      return Promise.resolve({ processMs: ms(performance.now() - start) });
    },
    // It may count CPUs that are not online.
    check: () => (found >= availableParallelism() ? undefined : `${found} CPUs in lscpu`),
  };
}

export const freshTopology: ScenarioGroup = {
  kind: 'scenario',
  name: 'topology-fresh',
  title: 'What it costs a new process to know the machine',
  rounds: 9,
  scenarios: [fresh(), lscpuProcess()],
  claims: [{ of: FRESH, metric: READ_MS, atMost: TARGET_MS }],
};

export const topology: BatchGroup = {
  kind: 'batch',
  name: 'topology',
  title: 'The same in a process that has done it before',
  cases: [
    calling(READ, 'ours', () => ({ call: () => fault(Topology.read().pus.length) === undefined })),
    calling(
      'Topology.from(data)',
      'ours',
      () => {
        const data = Topology.read().toJSON();
        return { call: () => Topology.from(data).pus.length === data.pus.length };
      },
      { note: 'what a worker does with the data that the main thread sent' },
    ),
    calling('limits()', 'ours', () => ({ call: () => limits().availableParallelism.value !== null })),
    calling('os.cpus()', 'peer', () => ({ call: () => cpus().length >= availableParallelism() }), {
      note: 'model, speed and times of each CPU; no caches, cores, packages or nodes',
    }),
    calling('lscpu --json, a process', 'peer', () => {
      requireLscpu();
      return { call: () => readLscpu() >= availableParallelism() };
    }),
    empty,
  ],
  claims: [{ of: READ, atMost: TARGET_MS * 1e6 }],
};
