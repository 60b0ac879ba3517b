/** The nodes and the cpuset of a random machine. */
import { formatCpuList } from '../src/index.ts';
import type { Files } from './machine.ts';

const NODE = '/sys/devices/system/node';

export interface Workshop {
  readonly files: Files;
  readonly below: (n: number) => number;
  readonly chance: (percent: number) => boolean;
  readonly pick: <T>(...choices: readonly T[]) => T;
  readonly tell: (text: string) => void;
  readonly online: readonly number[];
  /** A cpuset holds for the process. It names no node without memory, so then there are none. */
  readonly restricted: boolean;
}

/** @param found `cpus`: for every CPU, those that it shares its node with. */
export function addNodes(
  { files, below, chance, pick, tell, online, restricted }: Workshop,
  found: {
    readonly mask: (cpus: readonly number[]) => string;
    readonly level: string;
    readonly cpus: readonly (readonly number[])[];
  },
): number[] {
  const { mask, level } = found;
  if (chance(15)) {
    tell('no nodes');
    return [];
  }
  const groups = new Map(
    found.cpus.map((all) => {
      const cpus = all.filter((cpu) => online.includes(cpu));
      return [cpus.join(), cpus] as const;
    }),
  );
  const memory: number[][] = [...groups.values()];
  if (chance(10) && memory.length > 1) {
    memory[0] = (memory[0] ?? []).slice(1); // a node that does not end where its package does
    tell('a node that lacks a CPU');
  }
  if (chance(10) && memory.length > 2) memory.splice(0, 2, [...(memory[0] ?? []), ...(memory[1] ?? [])]);
  if (chance(5) && memory.length > 1) {
    memory[1] = [...(memory[1] ?? []), ...(memory[0] ?? []).slice(0, 1)];
    tell('nodes that share a CPU');
  }
  const withoutCpus = chance(40) ? 1 + below(3) : 0;
  for (let index = 0; index < withoutCpus; index++)
    memory.splice(chance(70) ? memory.length : below(memory.length), 0, []);
  let number = chance(15) ? below(3) : 0;
  const numbers = memory.map(() => {
    const own = number;
    number += 1 + (chance(15) ? below(5) : 0);
    return own;
  });
  tell(
    `nodes by ${level}: ${numbers.map((own, index) => `${own}=${formatCpuList(memory[index] ?? [])}`).join(' ')}`,
  );
  if (chance(85)) files[`${NODE}/online`] = `${formatCpuList(numbers)}\n`;
  const withDistances = chance(80);
  const flat = chance(30);
  const symmetric = chance(60);
  const distance = numbers.map(() => numbers.map(() => pick(15, 17, 20, 28)));
  const far = (a: number, b: number): number =>
    distance[symmetric ? Math.min(a, b) : a]?.[symmetric ? Math.max(a, b) : b] ?? 20;
  const withInitiators = chance(35);
  const withGpu = chance(20);
  for (const [index, own] of numbers.entries()) {
    const at = `${NODE}/node${own}`;
    files[`${at}/cpumap`] = mask((memory[index] ?? []).toSorted((a, b) => a - b));
    if (!chance(5))
      files[`${at}/meminfo`] =
        `Node ${own} MemTotal:  ${pick(restricted ? 524_288 : 0, 1_048_576, 4_194_304)} kB\n`;
    if (withDistances)
      files[`${at}/distance`] =
        `${numbers.map((_, other) => (other === index ? 10 : flat ? 20 : far(index, other))).join(' ')}\n`;
    if (withInitiators && chance(60)) {
      const initiators = `${at}/${pick('access0', 'access1')}/initiators`;
      const other = pick(...numbers);
      files[`${initiators}/node${other}`] = '';
      files[`${initiators}/read_bandwidth`] = '1000\n';
      tell(`initiator of ${own} is ${other}`);
    }
    if (chance(10)) {
      const cache = `${at}/memory_side_cache/index1`;
      files[`${cache}/size`] = '1073741824\n';
      files[`${cache}/line_size`] = '64\n';
      if (chance(80)) files[`${cache}/indexing`] = '0\n';
    }
    if (withGpu && memory[index]?.length === 0 && chance(50)) {
      files[`/proc/driver/nvidia/gpus/0000:0${index % 10}:00.0/numa_status`] =
        `Node: ${own}\nState: online\n`;
      if (chance(50))
        files[`/sys/bus/pci/devices/0000:0${index % 10}:00.0/local_cpus`] = mask(memory[0] ?? []);
      tell(`node ${own} is GPU memory`);
    }
  }
  return numbers;
}

/** Version 2, version 1, or the file system that was before. */
export function addCpuset({ files, chance, pick, tell, online }: Workshop, nodes: readonly number[]): void {
  const cpus = online.filter(() => chance(60));
  const mems = nodes.length === 0 ? [0] : nodes.filter(() => chance(60));
  const allowed = cpus.length > 0 ? cpus : online;
  const memory = mems.length > 0 ? mems : nodes;
  const version = pick('v2', 'v1', 'cpuset');
  tell(`${version} ${formatCpuList(allowed)} mems ${formatCpuList(memory)}`);
  const group = pick('/', '/job', '/job/step');
  files[pick('/proc/self/cpuset')] = `${group}\n`;
  const at = group === '/' ? '' : group;
  const [cpuFile, memFile, root, mount] = {
    v2: [
      'cpuset.cpus.effective',
      'cpuset.mems.effective',
      '/sys/fs/cgroup',
      'cgroup2 /sys/fs/cgroup cgroup2 rw 0 0',
    ],
    v1: [
      'cpuset.cpus',
      'cpuset.mems',
      '/sys/fs/cgroup/cpuset',
      'cgroup /sys/fs/cgroup/cpuset cgroup rw,cpuset 0 0',
    ],
    cpuset: ['cpus', 'mems', '/dev/cpuset', 'none /dev/cpuset cpuset rw 0 0'],
  }[version] as [string, string, string, string];
  files[`${root}/${cpuFile}`] = `${formatCpuList(online)}\n`;
  files[`${root}/${memFile}`] = `${formatCpuList(nodes.length === 0 ? [0] : nodes)}\n`;
  files[`${root}${at}/${cpuFile}`] = `${formatCpuList(allowed)}\n`;
  files[`${root}${at}/${memFile}`] = `${formatCpuList(memory)}\n`;
  if (version === 'v2') files[`${root}/cgroup.controllers`] = 'cpuset cpu memory\n';
  files['/proc/mounts'] = `sysfs /sys sysfs rw 0 0\n${mount}\n`;
}
