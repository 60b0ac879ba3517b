// Several profiles as one, for tools that open a single `.cpuprofile`: one thread after the other on one line of time.
import { checkNames } from '../errors.ts';
import {
  plainFrame,
  profileList,
  rootOf,
  stacks,
  stretches,
  type Profiles,
  type TreeOptions,
} from './call-tree.ts';
import type { CpuProfile, ProfileNode } from './cpu-profile.ts';

/**
 * Every stack has the time that it had in all profiles together. The line of time is not one that ever was: each thread's stretch
 * follows that of the thread before, though they ran side by side; the whole takes the sum of their durations.
 * @throws ArgumentRangeError where there is none, ProfileFormatError
 */
export function mergeProfiles(input: Profiles, options: TreeOptions = {}): CpuProfile {
  const profiles = profileList(input);
  checkNames('mergeProfiles', options, ['byThread']);
  const { byThread = profiles.length > 1 } = options;
  const nodes: (ProfileNode & { readonly children: number[]; hitCount: number })[] = [];
  const add = (from: Pick<ProfileNode, 'callFrame'>, parentId?: number): number => {
    const { callFrame, ...rest } = from as ProfileNode;
    const id = nodes.push({ ...rest, id: nodes.length + 1, callFrame, children: [], hitCount: 0 });
    if (parentId !== undefined) nodes[parentId - 1]?.children.push(id);
    return id;
  };
  const rootId = add({ callFrame: plainFrame('(root)') });
  const samples: number[] = [];
  const timeDeltas: number[] = [];
  let endTime = 0;
  let lastUs = 0;
  for (const { name, profile } of profiles) {
    const topId = byThread ? add({ callFrame: plainFrame(name) }, rootId) : rootId;
    const idOf = new Map([[rootOf(profile).id, topId]]);
    for (const { node, parentId } of stacks(profile)) idOf.set(node.id, add(node, idOf.get(parentId)));
    for (const { nodeId, durationUs } of stretches(profile)) {
      const id = idOf.get(nodeId) as number;
      (nodes[id - 1] as { hitCount: number }).hitCount += 1;
      samples.push(id);
      timeDeltas.push(endTime - lastUs);
      lastUs = endTime;
      endTime += durationUs;
    }
  }
  return { nodes, startTime: 0, endTime, samples, timeDeltas };
}
