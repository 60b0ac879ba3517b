// A thread that observes polls of names, for name-tiers.stress.test.ts.
import { parentPort, workerData } from 'node:worker_threads';
import { Arena, type ArenaHandle } from '@corelane/shared-memory';
import { NameObserver } from '../../src/budgets/name-observer.ts';
import { NameTiers } from '../../src/budgets/name-tiers.ts';
import { CPU_UNKNOWN } from '../../src/budgets/tier-machine.ts';
import type { TierRules } from '../../src/budgets/tier-table.ts';
import { kernelBase64, type KernelExports } from '../../src/kernel.generated.ts';

export interface Telling {
  readonly arena: ArenaHandle;
  readonly at: number;
  readonly party: number;
  readonly rules: TierRules;
  /** Polls of each name; every third one is a violation. */
  readonly polls: number;
}

const { arena: handle, at, party, rules, polls } = workerData as Telling;
const arena = Arena.attach(handle);
const tiers = NameTiers.attach(arena, at, arena.kernel<KernelExports>({ base64: kernelBase64 }));
const observer = new NameObserver(tiers, party);
parentPort?.postMessage('ready');
parentPort?.once('message', () => {
  for (let poll = 0; poll < polls; poll++)
    for (let name = 0; name < tiers.names; name++)
      observer.observe(name, rules, poll % 3 === 0 ? 100 : 0, CPU_UNKNOWN, false, poll);
  for (let name = 0; name < tiers.names; name++)
    while (observer.hasUntold(name)) observer.tell(name, rules, polls);
  parentPort?.postMessage('done');
});
