/** That the binary for arm64 loads, and that its calls reach the kernel: on the machine `counters`, 4 CPUs and one node. */
import { createRequire } from 'node:module';
import {
  Topology,
  bindMemory,
  currentCpu,
  lockMemory,
  migrateMemory,
  pin,
  place,
  setAffinity,
  threadCpuTimeNs,
} from '@corelane/platform';
import { expectRefused, expectVerified } from '../answers.ts';
import { Crew, allowedCpus } from '../crew.ts';
import { Region, showTruth } from '../region.ts';
import type { Suite } from '../suite.ts';
import { expectEqual, expectThat } from '../suite.ts';
import { onCpus } from '../this-thread.ts';

export const suite: Suite = {
  name: 'arm64',
  tests: [
    {
      name: 'the addon for this processor loads',
      asked: '@corelane/platform-linux-arm64',
      run() {
        const addon = createRequire(import.meta.url)('@corelane/platform-linux-arm64') as object;
        const functions = Object.values(addon).filter((value) => typeof value === 'function').length;
        expectEqual('process.arch', process.arch, 'arm64');
        expectThat(`${functions} functions, expected many`, functions > 10);
        return `${functions} functions`;
      },
    },
    {
      name: 'topology',
      asked: '-smp 4, one node',
      run() {
        const { counts, notes } = Topology.read();
        const { Core, PU, NUMANode } = counts;
        expectEqual('counts', { Core, PU, NUMANode }, { Core: 4, PU: 4, NUMANode: 1 });
        expectEqual('notes', notes, []);
        return JSON.stringify({ Core, PU, NUMANode });
      },
    },
    {
      name: 'this thread on each CPU',
      asked: 'setAffinity 0, 1, 2, 3',
      run() {
        const cpus = [0, 1, 2, 3].map(
          (cpu) => onCpus([cpu], () => expectVerified('currentCpu', currentCpu())).cpu,
        );
        expectEqual('currentCpu', cpus, [0, 1, 2, 3]);
        expectRefused('setAffinity', setAffinity([4]), 'EINVAL');
        return cpus.join(', ');
      },
    },
    {
      name: 'workers pinned by a placement',
      asked: "place({ policy: 'spread', threads: 2 }), pin from outside",
      async run() {
        const { slots } = place(Topology.read(), { policy: 'spread', threads: 2 });
        await using crew = new Crew(2);
        const allowed = [];
        for (const slot of slots) {
          const tid = expectVerified('threadId', await crew.ask<'id'>(slot.index, { do: 'id' }));
          expectVerified('pin', pin(slot, tid));
          expectVerified('threadCpuTimeNs', threadCpuTimeNs(tid));
          expectEqual('Cpus_allowed_list', allowedCpus(tid), slot.cpus.join());
          allowed.push(allowedCpus(tid));
        }
        expectEqual('CPUs', new Set(allowed).size, 2);
        return `CPUs ${allowed.join(', ')}`;
      },
    },
    {
      name: 'memory: bound, moved, locked',
      asked: '8 MiB on node 0',
      run() {
        using region = new Region(8);
        expectVerified('bindMemory', bindMemory(region.view, [0]));
        region.touch();
        expectVerified('migrateMemory', migrateMemory(region.view, 0));
        const { lockedBytes } = expectVerified('lockMemory', lockMemory(region.view));
        expectEqual('lockedBytes', lockedBytes, region.view.byteLength);
        expectEqual('numa_maps', region.truth(), { policy: 'bind:0', pages: { 0: region.pages } });
        expectRefused('bindMemory', bindMemory(region.view, [1]), 'EINVAL');
        return showTruth(region.truth());
      },
    },
  ],
};
