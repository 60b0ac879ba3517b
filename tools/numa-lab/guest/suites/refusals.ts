/** What the kernel refuses, tried for real on the machine `numa4`: nodes that are not there, cpusets, limits, an ordinary user. */
import type { Answer } from '@corelane/platform';
import { bindMemory, interleaveMemory, migrateMemory, preferMemory } from '@corelane/platform';
import { expectRefused, expectVerified } from '../answers.ts';
import { withGroups } from '../cgroups.ts';
import { NOBODY, inConditions } from '../conditions.ts';
import type { ProbeAnswer, ProbeInput, ProbeName } from '../probes.ts';
import { Region } from '../region.ts';
import type { Suite } from '../suite.ts';
import { expectEqual } from '../suite.ts';

const HALF = { 'cpuset.cpus': '2-5', 'cpuset.mems': '1-2' };

/** In a cpuset of CPUs 2-5 and nodes 1-2. */
function inHalf<N extends ProbeName>(probe: N, ...input: ProbeInput<N>): ProbeAnswer<N> {
  return withGroups([HALF], (cgroups) => inConditions({ cgroups }, probe, ...input));
}

export const suite: Suite = {
  name: 'refusals',
  tests: [
    {
      name: 'a node that does not exist',
      asked: 'bind to 7, interleave over 0 and 9, prefer 63, migrate to 5',
      run() {
        using region = new Region(4);
        region.touch();
        const before = region.truth();
        const reasons = [
          expectRefused('bindMemory', bindMemory(region.view, [7]), 'EINVAL', 'node 7', '0-3'),
          expectRefused('preferMemory', preferMemory(region.view, 63), 'EINVAL', 'node 63', '0-3'),
          expectRefused('migrateMemory', migrateMemory(region.view, 5), 'ENODEV', 'node 5', '0-3'),
        ];
        // The kernel takes what there is of a set: that is not what was asked.
        expectRefused('interleaveMemory', interleaveMemory(region.view, [0, 9]), [null, 'EINVAL'], '9');
        expectEqual('numa_maps', region.truth(), before);
        return reasons[0] ?? '';
      },
    },
    {
      name: 'a CPU that the cpuset forbids',
      asked: 'cpuset 2-5; setAffinity 0-1',
      run() {
        const { answer, allowed } = inHalf('setAffinity', [0, 1]);
        const reason = expectRefused('setAffinity', answer, 'EINVAL', '0-1', 'cpuset');
        expectEqual('Cpus_allowed_list', allowed, '2-5');
        return `${reason}; in force: ${allowed}`;
      },
    },
    {
      name: 'CPUs of which the cpuset forbids some',
      asked: 'cpuset 2-5; setAffinity 1-3',
      run() {
        const { answer, allowed } = inHalf('setAffinity', [1, 2, 3]);
        const reason = expectRefused('setAffinity', answer, null, '1-3', '2-3');
        expectEqual('Cpus_allowed_list', allowed, '2-3');
        return `${reason}; in force: ${allowed}`;
      },
    },
    {
      name: 'a node that the cpuset forbids',
      asked: 'cpuset nodes 1-2; bind to node 3',
      run() {
        const { answer, truth } = inHalf('placeMemory', 'bind', [3]);
        const reason = expectRefused('bindMemory', answer, 'EINVAL', 'node 3', '1-2');
        expectEqual('policy in numa_maps', truth.policy, 'default');
        return reason;
      },
    },
    {
      name: 'nodes of which the cpuset forbids some',
      asked: 'cpuset nodes 1-2; interleave over 0-3',
      run() {
        const { answer, truth } = inHalf('placeMemory', 'interleave', [0, 1, 2, 3]);
        const reason = expectRefused('interleaveMemory', answer, [null, 'EINVAL'], '0,3');
        expectEqual('policy in numa_maps', truth.policy, 'default');
        return reason;
      },
    },
    {
      name: 'migration to a node that the cpuset forbids',
      asked: 'cpuset nodes 1-2; migrate to node 0',
      run() {
        const { answer, nodes } = inHalf('migrate', 2, 0);
        const reason = expectRefused('migrateMemory', answer, ['EACCES', 'EPERM'], 'node 0', '1-2');
        expectEqual('nodes', nodes, [2]);
        return reason;
      },
    },
    {
      name: 'a cpuset allows what it allows',
      asked: 'cpuset nodes 1-2; bind to node 2, migrate to node 1',
      run() {
        const bound = inHalf('placeMemory', 'bind', [2]);
        expectVerified('bindMemory', bound.answer);
        expectEqual('numa_maps', bound.truth, { policy: 'bind:2', pages: { 2: bound.pages } });
        const moved = inHalf('migrate', 2, 1);
        expectVerified('migrateMemory', moved.answer);
        expectEqual('nodes', moved.nodes, [1]);
        return `bind:2: ${bound.pages} on node 2; moved to node 1`;
      },
    },
    {
      name: 'the locked-memory limit of an ordinary user',
      asked: 'ulimit -l 1024, user 65534: lock 512 KiB, then 2 MiB',
      run() {
        const conditions = { lockedKiB: 1024, userId: NOBODY };
        const little = inConditions(conditions, 'lock', 512);
        expectVerified('lockMemory', little.answer);
        expectEqual('VmLck', [little.locked, little.lockedAfter], [512 * 1024, 0]);
        const much = inConditions(conditions, 'lock', 2048);
        const reason = expectRefused('lockMemory', much.answer, 'ENOMEM', String(1024 * 1024));
        expectEqual('VmLck', much.locked, 0);
        return `512 KiB locked (VmLck 524288); ${reason}`;
      },
    },
    {
      name: 'no locked memory at all',
      asked: 'ulimit -l 0, user 65534: lock 64 KiB',
      run() {
        const { answer, locked } = inConditions({ lockedKiB: 0, userId: NOBODY }, 'lock', 64);
        expectEqual('VmLck', locked, 0);
        return expectRefused('lockMemory', answer, ['EPERM', 'ENOMEM'], 'RLIMIT_MEMLOCK');
      },
    },
    {
      name: 'root is above the locked-memory limit',
      asked: 'ulimit -l 64, root: lock 2 MiB',
      run() {
        const { answer, locked } = inConditions({ lockedKiB: 64 }, 'lock', 2048);
        expectVerified('lockMemory', answer);
        expectEqual('VmLck', locked, 2 * 2 ** 20);
        return `VmLck ${locked}`;
      },
    },
    {
      name: 'an ordinary user places its own memory',
      asked: 'user 65534: bind to node 3, migrate to node 1',
      run() {
        const bound = inConditions({ userId: NOBODY }, 'placeMemory', 'bind', [3]);
        expectVerified('bindMemory', bound.answer);
        expectEqual('numa_maps', bound.truth, { policy: 'bind:3', pages: { 3: bound.pages } });
        const moved = inConditions({ userId: NOBODY }, 'migrate', 3, 1);
        expectVerified('migrateMemory', moved.answer);
        expectEqual('nodes', moved.nodes, [1]);
        return `bind:3: ${bound.pages} on node 3; moved to node 1`;
      },
    },
    {
      name: 'an ordinary user goes down in priority, and not up',
      asked: 'user 65534: nice 7, nice 0, fifo, idle, other',
      run() {
        const found = inConditions({ userId: NOBODY }, 'priorities');
        expectEqual('setNice(7)', expectVerified('setNice', found.down), 7);
        const reason = expectRefused('setNice(0)', found.up, ['EACCES', 'EPERM'], 'CAP_SYS_NICE');
        expectRefused('fifo', found.realtime, 'EPERM', 'CAP_SYS_NICE');
        expectEqual('idle', expectVerified('idle', found.idle).policy, 'idle');
        expectRefused('other', found.back, 'EPERM');
        expectEqual('nice', expectVerified('nice', found.nice), 7);
        return reason;
      },
    },
    {
      name: 'root goes both ways',
      asked: 'root: nice 7, nice 0, fifo, idle, other',
      run() {
        const found = inConditions({}, 'priorities');
        for (const [call, answer] of Object.entries<Answer<unknown>>(found)) expectVerified(call, answer);
        return `nice ${JSON.stringify(found.nice)}, policy ${JSON.stringify(found.policy)}`;
      },
    },
  ],
};
