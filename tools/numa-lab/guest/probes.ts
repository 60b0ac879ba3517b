/** What probes can do, by name. They run by `inConditions`; input and answer travel as JSON. */
import { readFileSync } from 'node:fs';
import type { Answer, Limits, Migration, TopologyData } from '@corelane/platform';
import {
  PerfEvents,
  Topology,
  affinity,
  bindMemory,
  currentCpu,
  interleaveMemory,
  limits,
  lockMemory,
  migrateMemory,
  resetMemoryPolicy,
  nice,
  schedulingPolicy,
  setAffinity,
  setNice,
  setSchedulingPolicy,
  unlockMemory,
} from '@corelane/platform';
import { Region } from './region.ts';

const KIB = 1024;

/** `VmLck` of this process, bytes, from its file. */
function lockedBytes(): number {
  const status = readFileSync('/proc/self/status', 'utf8');
  return Number(/^VmLck:\s*(\d+) kB$/m.exec(status)?.[1]) * KIB;
}

function allowedCpus(): string {
  const status = readFileSync('/proc/thread-self/status', 'utf8');
  return /^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1] ?? '';
}

export const probes = {
  limits: (): Limits => limits(),
  topology: (): TopologyData => Topology.read().toJSON(),

  /** Asks for CPUs, and says what the kernel's file has then. */
  setAffinity(cpus: readonly number[]) {
    const answer = setAffinity(cpus);
    return { answer, allowed: allowedCpus(), affinity: affinity() };
  },

  /** Binds or interleaves a touched region, and says what numa_maps has then. */
  placeMemory(how: 'bind' | 'interleave', nodes: readonly number[]) {
    using region = new Region(8);
    const answer = how === 'bind' ? bindMemory(region.view, nodes) : interleaveMemory(region.view, nodes);
    region.touch();
    return { answer, truth: region.truth(), pages: region.pages };
  },

  /** Moves a touched region. */
  migrate(from: number, node: number): { answer: Answer<Migration>; nodes: number[] } {
    using region = new Region(8);
    bindMemory(region.view, [from]);
    region.touch();
    resetMemoryPolicy(region.view);
    const answer = migrateMemory(region.view, node);
    return { answer, nodes: Object.keys(region.truth().pages).map(Number) };
  },

  /** Locks so much of a region. */
  lock(kibibytes: number) {
    using region = new Region(8);
    const part = region.view.subarray(0, kibibytes * KIB);
    const answer = lockMemory(part);
    const locked = lockedBytes();
    const unlocked = answer.status === 'verified' ? unlockMemory(part) : null;
    return { answer, locked, unlocked, lockedAfter: lockedBytes() };
  },

  /** Where this process runs, and whether threads and memory can be placed. */
  whereAndBind() {
    const page = new Uint8Array(new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }).buffer);
    return {
      where: currentCpu(),
      affinity: affinity(),
      pinned: setAffinity([0]),
      bound: bindMemory(page, [0]),
    };
  },

  /** Cycles and CPU time of some work on this thread. */
  countCycles() {
    const answer = PerfEvents.open({ events: ['cycles', 'taskClock'] });
    if (answer.status !== 'verified') throw new Error(answer.reason);
    using events = answer.value;
    let sum = 0;
    for (let i = 0; i < 100_000; i++) sum += i % 7;
    return { ...events.read(), sum };
  },

  /** Nicer, and back; real-time; idle, and back. */
  priorities() {
    const down = setNice(7);
    const up = setNice(0);
    const realtime = setSchedulingPolicy({ policy: 'fifo', priority: 1 });
    const idle = setSchedulingPolicy({ policy: 'idle' });
    const back = setSchedulingPolicy({ policy: 'other' });
    return { down, up, realtime, idle, back, nice: nice(), policy: schedulingPolicy() };
  },
};

type Probes = typeof probes;

export type ProbeName = keyof Probes;
export type ProbeInput<N extends ProbeName> = Parameters<Probes[N]>;
export type ProbeAnswer<N extends ProbeName> = Awaited<ReturnType<Probes[N]>>;
