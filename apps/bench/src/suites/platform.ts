import type { Suite } from '../suite.ts';
import { clocks } from './platform/clock.ts';
import { memoryCalls } from './platform/memory.ts';
import { perfReads } from './platform/perf.ts';
import { cpuShares } from './platform/shares.ts';
import { stopping } from './platform/stopping.ts';
import { threadReads, threadWrites } from './platform/threads.ts';
import { firstTouch } from './platform/touch.ts';
import { freshTopology, topology } from './platform/topology.ts';

export const suite: Suite = {
  name: 'platform',
  title: 'Calls of platform against the same in C, and what they do to threads and memory',
  groups: [
    freshTopology,
    topology,
    threadReads,
    threadWrites,
    clocks,
    memoryCalls,
    perfReads,
    cpuShares,
    firstTouch,
    stopping,
  ],
};
