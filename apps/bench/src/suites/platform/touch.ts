// The first touch of memory: plain, in huge pages, prefaulted, and both; in a fresh process each time, and the same in C.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { hugePages, prefaultMemory, releaseMemory } from '@corelane/platform';
import { entryUrl } from '../../entry-url.ts';
import { NotMeasurableError } from '../../errors.ts';
import type { Metric, Scenario, ScenarioGroup } from '../../suite.ts';
import { valueOf } from './calls.ts';
import { RawProgram } from '../../raw-program.ts';
import { STEP_BYTES, type TouchFigures, type TouchMode, type TouchState } from './touch-figures.ts';

const BYTES = 512 << 20;
const QUICK_BYTES = 32 << 20;
/** Twice a huge page: what a machine is asked before the runs. */
const PROBE_BYTES = 4 << 20;
const FAULTS = 'faults';
const TOUCH_MS = 'touchMs';

const run = promisify(execFile);

const ms = (ns: number): Metric => ({ value: ns / 1e6, unit: 'ms' });
const megabytes = (bytes: number): Metric => ({ value: bytes / 2 ** 20, unit: 'MiB' });

function figuresOf({ prepareNs, touchNs, releaseNs, faults }: TouchFigures, bytes: number) {
  return {
    [TOUCH_MS]: ms(touchNs),
    totalMs: ms(prepareNs + touchNs),
    rate: { value: bytes / (prepareNs + touchNs), unit: 'GB/s' },
    [FAULTS]: { value: faults, unit: 'faults' },
    releaseMs: ms(releaseNs),
  };
}

function statesOf({ hugeBytes, randomReadNs }: TouchState): Record<string, Metric> {
  return {
    ...(hugeBytes === null ? {} : { inHugePages: megabytes(hugeBytes) }),
    randomRead: { value: randomReadNs, unit: 'ns' },
  };
}

function faultOf({ written }: TouchFigures, bytes: number): string | undefined {
  const steps = bytes / STEP_BYTES;
  return written === steps ? undefined : `${written} of ${steps} steps hold what was written`;
}

/** @returns what is wrong, or undefined. What is not known is not wrong. */
function stateFault({ resident, residentAfter, isZeroAfter }: TouchState, released: boolean) {
  if (resident !== null && resident < 1) return `${100 * resident} % of the pages are there, expected all`;
  if (!released) return undefined;
  if (!isZeroAfter) return 'what was released does not read as zeros';
  return residentAfter === null || residentAfter === 0
    ? undefined
    : `${100 * residentAfter} % of the pages are there after the release, expected none`;
}

function requireMemory(): void {
  const available = process.availableMemory();
  if (available < 2 * BYTES)
    throw new NotMeasurableError(
      `${Math.round(available / 2 ** 20)} MiB of memory available, ${(2 * BYTES) / 2 ** 20} needed`,
    );
}

/** Whether this machine does what the mode asks, tried on a little memory. */
function probe(mode: TouchMode): void {
  requireMemory();
  const memory = new Uint8Array(
    new SharedArrayBuffer(PROBE_BYTES, { maxByteLength: PROBE_BYTES }),
    0,
    PROBE_BYTES,
  );
  if (mode.includes('huge')) valueOf(hugePages(memory, 'advise'));
  if (mode.includes('prefault')) valueOf(prefaultMemory(memory, { write: true }));
  releaseMemory(memory);
}

function inNode(name: string, role: 'ours' | 'peer', mode: TouchMode, note?: string): Scenario {
  let problem: string | undefined;
  return {
    name,
    role,
    ...(note === undefined ? {} : { note }),
    setup: () => probe(mode),
    async run({ quick }) {
      const bytes = quick ? QUICK_BYTES : BYTES;
      const file = fileURLToPath(entryUrl('suites/platform/touch-process'));
      const flags = process.execArgv.filter((flag) => flag.startsWith('--conditions'));
      const { stdout } = await run(process.execPath, [...flags, file, mode, String(bytes)]);
      const found = JSON.parse(stdout) as TouchFigures & TouchState;
      problem = faultOf(found, bytes) ?? stateFault(found, found.released);
      return { ...figuresOf(found, bytes), ...statesOf(found) };
    },
    check: () => problem,
  };
}

function inCProgram(mode: TouchMode): Scenario {
  let problem: string | undefined;
  return {
    name: `C ${mode}`,
    role: 'limit',
    async setup() {
      requireMemory();
      using program = RawProgram.start();
      await program.request(`touch ${mode} ${PROBE_BYTES}`);
    },
    async run({ quick }) {
      const bytes = quick ? QUICK_BYTES : BYTES;
      using program = RawProgram.start();
      const found = await program.request<TouchFigures>(`touch ${mode} ${bytes}`);
      problem = faultOf(found, bytes);
      return figuresOf(found, bytes);
    },
    check: () => problem,
  };
}

const PLAIN = 'plain';
const HUGE = "hugePages('advise')";
const PREFAULT = 'prefaultMemory()';
const BOTH = 'hugePages + prefaultMemory';

export const firstTouch: ScenarioGroup = {
  kind: 'scenario',
  name: 'first-touch',
  title: `The first touch of ${BYTES / 2 ** 20} MiB of shared memory, one byte of every 4 KiB written`,
  note: `Each run in a process of its own. touchMs: the writing; totalMs: with the calls before it; releaseMs: giving the pages back; randomRead: a read anywhere in it afterwards. A quick run takes ${QUICK_BYTES / 2 ** 20} MiB.`,
  rounds: 5,
  scenarios: [
    inNode(PLAIN, 'ours', 'plain'),
    inNode(HUGE, 'ours', 'huge'),
    inNode(PREFAULT, 'ours', 'prefault'),
    inNode(BOTH, 'ours', 'prefault-huge'),
    inNode('fill(0)', 'peer', 'fill', 'what prefaults without the addon: every byte is written'),
    inCProgram('plain'),
    inCProgram('huge'),
    inCProgram('prefault'),
    inCProgram('prefault-huge'),
  ],
  claims: [
    { of: PREFAULT, against: PLAIN, metric: TOUCH_MS, atMost: 0.1 },
    { of: HUGE, against: PLAIN, metric: FAULTS, atMost: 0.05 },
  ],
};
