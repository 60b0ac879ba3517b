/** Where the pages of a range come from, and where they go: on the machine `numa4`, nodes 0 to 3. */
import { readFileSync } from 'node:fs';
import {
  bindMemory,
  interleaveMemory,
  memoryPolicy,
  migrateMemory,
  preferMemory,
  prefaultMemory,
  releaseMemory,
  resetMemoryPolicy,
  residency,
} from '@corelane/platform';
import { expectRefused, expectVerified } from '../answers.ts';
import { Region, showTruth } from '../region.ts';
import type { Suite } from '../suite.ts';
import { expectEqual, expectThat } from '../suite.ts';

const NODES = [0, 1, 2, 3];
/** One huge page more or less, where the kernel deals out pages of 2 MiB. */
const HUGE_PAGE = 512;

/** Every page is there, on these nodes alone, by numa_maps; and `residency` says the same. */
function expectPages(region: Region, policy: string, nodes: readonly number[]): string {
  const truth = region.truth();
  expectEqual('policy in numa_maps', truth.policy, policy);
  expectEqual('nodes in numa_maps', Object.keys(truth.pages).map(Number), nodes);
  const all = Object.values(truth.pages).reduce((sum, count) => sum + count, 0);
  expectEqual('resident pages', all, region.pages);
  const own = expectVerified('residency', residency(region.view));
  const byNode = Object.fromEntries((own.nodes ?? []).map(({ node, pages }) => [node, pages]));
  expectEqual('residency', byNode, truth.pages);
  return showTruth(truth);
}

/** By the node's meminfo. */
function freePages(node: number): number {
  const text = readFileSync(`/sys/devices/system/node/node${node}/meminfo`, 'utf8');
  return Number(/MemFree:\s*(\d+) kB/.exec(text)?.[1]) / 4;
}

function expectEven(region: Region, nodes: readonly number[]): void {
  const share = region.pages / nodes.length;
  for (const [node, count] of Object.entries(region.truth().pages))
    expectThat(
      `node ${node} has ${count} pages, expected about ${share}`,
      Math.abs(count - share) <= 2 * HUGE_PAGE,
    );
}

export const suite: Suite = {
  name: 'memory',
  tests: [
    {
      name: 'bind: pages come from that node',
      asked: 'bind 16 MiB to each of nodes 0, 1, 2, 3 in turn; touch',
      run: () =>
        NODES.map((node) => {
          using region = new Region(16);
          expectVerified('bindMemory', bindMemory(region.view, [node]));
          region.touch();
          return expectPages(region, `bind:${node}`, [node]);
        }).join('; '),
    },
    {
      name: 'interleave over all nodes: even shares',
      asked: 'interleave 64 MiB over nodes 0-3; touch',
      run() {
        using region = new Region(64);
        expectVerified('interleaveMemory', interleaveMemory(region.view, NODES));
        region.touch();
        const found = expectPages(region, 'interleave:0-3', NODES);
        expectEven(region, NODES);
        return found;
      },
    },
    {
      name: 'interleave over some nodes: nothing elsewhere',
      asked: 'interleave 32 MiB over nodes 0 and 3; touch',
      run() {
        using region = new Region(32);
        expectVerified('interleaveMemory', interleaveMemory(region.view, [0, 3]));
        region.touch();
        const found = expectPages(region, 'interleave:0,3', [0, 3]);
        expectEven(region, [0, 3]);
        return found;
      },
    },
    {
      name: 'weighted interleave on a kernel that lacks it',
      asked: 'weighted: true on Linux 6.1',
      run() {
        using region = new Region(4);
        const answer = interleaveMemory(region.view, NODES, { weighted: true });
        expectEqual('status', answer.status, 'unsupported');
        const reason = 'reason' in answer ? answer.reason : '';
        expectThat(`the reason names 6.9: ${reason}`, reason.includes('6.9'));
        expectEqual('policy in numa_maps', region.truth().policy, 'default');
        return `unsupported: ${reason}`;
      },
    },
    {
      name: 'prefer: pages come from that node while it has some',
      asked: 'prefer node 3 for 32 MiB; touch',
      run() {
        using region = new Region(32);
        expectVerified('preferMemory', preferMemory(region.view, 3));
        region.touch();
        return expectPages(region, 'prefer:3', [3]);
      },
    },
    {
      name: 'prefer: from others when it is full',
      asked: 'prefer node 2 for 560 MiB of the 512 MiB it has; prefault',
      run() {
        using region = new Region(560);
        const free = freePages(2);
        expectVerified('preferMemory', preferMemory(region.view, 2));
        expectVerified('prefaultMemory', prefaultMemory(region.view));
        const { policy, pages } = region.truth();
        expectEqual('policy in numa_maps', policy, 'prefer:2');
        const there = pages[2] ?? 0;
        const elsewhere = Object.values(pages).reduce((sum, count) => sum + count, 0) - there;
        expectEqual('resident pages', there + elsewhere, region.pages);
        expectThat(`${there} pages on node 2, of which ${free} were free`, there > 0.8 * free);
        expectThat(`${elsewhere} pages elsewhere, expected some`, elsewhere > 0);
        return `${free} pages free on node 2; ${showTruth({ policy, pages })}`;
      },
    },
    {
      name: 'migrate: pages move with their contents, more than once',
      asked: '32 MiB on node 0; to 2, to 3, to 1',
      run() {
        using region = new Region(32);
        expectVerified('bindMemory', bindMemory(region.view, [0]));
        region.touch();
        expectVerified('resetMemoryPolicy', resetMemoryPolicy(region.view));
        const moves = [2, 3, 1].map((node) => {
          const moved = expectVerified('migrateMemory', migrateMemory(region.view, node));
          expectEqual('movedPages', moved.movedPages, region.pages);
          region.expectTouched();
          return expectPages(region, 'default', [node]);
        });
        return moves.join('; ');
      },
    },
    {
      name: 'bind with migrate: pages that are there follow',
      asked: '16 MiB on node 1; bind to node 3 with migrate',
      run() {
        using region = new Region(16);
        expectVerified('bindMemory', bindMemory(region.view, [1]));
        region.touch();
        const set = expectVerified('bindMemory', bindMemory(region.view, [3], { migrate: true }));
        expectEqual('residentPages', set.residentPages, region.pages);
        region.expectTouched();
        return expectPages(region, 'bind:3', [3]);
      },
    },
    {
      name: 'bind without migrate: pages that are there stay',
      asked: '16 MiB on node 1, half touched; bind to node 2; touch the rest',
      run() {
        using region = new Region(16);
        expectVerified('bindMemory', bindMemory(region.view, [1]));
        region.touch(0, 8 * 2 ** 20);
        expectVerified('bindMemory', bindMemory(region.view, [2]));
        region.touch(8 * 2 ** 20);
        const found = expectPages(region, 'bind:2', [1, 2]);
        region.expectTouched();
        return found;
      },
    },
    {
      name: 'bind with strict: refused where pages lie elsewhere, and the policy is as before',
      asked: '16 MiB bound to node 1, touched; bind to node 2 with strict',
      run() {
        using region = new Region(16);
        expectVerified('bindMemory', bindMemory(region.view, [1]));
        region.touch();
        const reason = expectRefused('bindMemory', bindMemory(region.view, [2], { strict: true }), ['EIO']);
        expectPages(region, 'bind:1', [1]);
        return reason;
      },
    },
    {
      name: 'policies of parts are told apart, and reset takes them all back',
      asked: '24 MiB: thirds bound to 0, interleaved over 1-2, default',
      run() {
        using region = new Region(24);
        const third = 8 * 2 ** 20;
        expectVerified('bindMemory', bindMemory(region.view.subarray(0, third), [0]));
        expectVerified('interleaveMemory', interleaveMemory(region.view.subarray(third, 2 * third), [1, 2]));
        const segments = expectVerified('memoryPolicy', memoryPolicy(region.view));
        expectEqual(
          'memoryPolicy',
          segments.map(({ mode, nodes }) => `${mode} ${nodes.join()}`),
          ['bind 0', 'interleave 1,2', 'default '],
        );
        expectVerified('resetMemoryPolicy', resetMemoryPolicy(region.view));
        expectEqual('policy in numa_maps', region.truth().policy, 'default');
        return segments.map(({ mode, nodes }) => `${mode} ${nodes.join()}`).join('; ');
      },
    },
    {
      name: 'release: pages go, the policy stays, the next touch follows it',
      asked: '16 MiB bound to node 2; touch, release, touch',
      run() {
        using region = new Region(16);
        expectVerified('bindMemory', bindMemory(region.view, [2]));
        region.touch();
        expectVerified('releaseMemory', releaseMemory(region.view));
        expectEqual('pages in numa_maps', region.truth().pages, {});
        expectEqual('first byte of page 1', region.view[4096], 0);
        region.touch();
        return expectPages(region, 'bind:2', [2]);
      },
    },
  ],
};
