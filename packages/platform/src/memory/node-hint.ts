/** Why the kernel would not take a node. */
import type { CpuSet } from '../machine/cpu-set.ts';
import { errnoName } from '../answer.ts';
import type { MemoryMachine } from './machine.ts';
import { shownNodes } from './options.ts';
import { readAllowedList } from '../limits/process-limits.ts';
import { Sysfs } from '../machine/sysfs.ts';

const NODES = '/sys/devices/system/node';

/** What to say of nodes that were asked for, by what exists and what the cpuset allows. `undefined`: nothing speaks against them. */
export function nodeHint(machine: MemoryMachine, nodes: CpuSet): string | undefined {
  const sysfs = new Sysfs(machine.files);
  const withMemory = sysfs.list(`${NODES}/has_memory`);
  const lacking = nodes.filter((node) => withMemory !== undefined && !withMemory.includes(node));
  if (withMemory !== undefined && lacking.length > 0)
    return `${shownNodes(lacking)} ${lacking.length === 1 ? 'does' : 'do'} not exist or ${lacking.length === 1 ? 'has' : 'have'} no memory (${NODES}/has_memory: ${shownNodes(withMemory)})`;
  const { value: allowed } = readAllowedList(sysfs, 'Mems_allowed_list');
  const forbidden = nodes.filter((node) => allowed !== null && !allowed.includes(node));
  if (allowed !== null && forbidden.length > 0)
    return `the cpuset of this process does not allow ${shownNodes(forbidden)} (Mems_allowed_list: ${shownNodes(allowed)})`;
  return undefined;
}

/** The same for a call that answered an error. */
export function nodeErrorHint(machine: MemoryMachine, nodes: CpuSet, result: number): string | undefined {
  const errno = errnoName(-result);
  if (errno === 'EIO')
    return `pages lie elsewhere and could not be moved to ${shownNodes(nodes)}, or were not asked to be (migrate)`;
  if (errno === 'ENOMEM')
    return `there is not memory enough, or there would be too many mappings (/proc/sys/vm/max_map_count)`;
  return nodeHint(machine, nodes) ?? numaHint(result);
}

/** What a container's filter and a kernel without NUMA have to do with it. */
export function numaHint(result: number): string | undefined {
  if (errnoName(-result) === 'ENOSYS')
    return 'the kernel is built without NUMA, or a seccomp filter hides it';
  if (errnoName(-result) === 'EPERM')
    return 'a seccomp filter forbids it, as those of containers do without CAP_SYS_NICE';
  return undefined;
}
