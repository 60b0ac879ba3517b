/** Puts a thread where a placement says. */
import { setAffinity } from './affinity.ts';
import type { Answer } from '../answer.ts';
import { verified } from '../answer.ts';
import type { CpuSet } from '../machine/cpu-set.ts';
import { PlatformOptionError } from '../errors.ts';
import type { PlacementSlot } from './placement.ts';
import { shown } from '../shown.ts';
import type { ThreadHost } from './thread-host.ts';
import { thisThreadHost } from './thread-host.ts';

export interface Pinned {
  /** Read back. */
  readonly cpus: CpuSet;
  /** As the slot has it. */
  readonly node: number | null;
}

/**
 * Lets a thread run on the CPUs of a slot only. A slot is plain data: a worker is given one in `workerData` and pins itself first thing, or tells
 * its `threadId()` to who pins it. Without `tid`, the calling thread.
 * @throws PlatformOptionError for what is no slot
 */
export function pin(
  slot: Pick<PlacementSlot, 'cpus' | 'node'>,
  tid?: number,
  host: ThreadHost = thisThreadHost(),
): Answer<Pinned> {
  // It may come from a message.
  if (typeof slot !== 'object' || slot === null || !Array.isArray(slot.cpus))
    throw new PlatformOptionError('slot', 'no slot of a placement, expected { cpus, node }');
  const { cpus, node } = slot;
  if (node !== null && !(Number.isInteger(node) && node >= 0))
    throw new PlatformOptionError('slot.node', `must be the number of a node or null, found ${shown(node)}`);
  const answer = setAffinity(cpus, tid, host);
  return answer.status === 'verified' ? verified({ cpus: answer.value, node }) : answer;
}
