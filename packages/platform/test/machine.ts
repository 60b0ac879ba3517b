/** Small synthetic machines, as the files that Linux would show. */
import { formatCpuList, formatCpuMap, memoryFileSystem, Topology } from '../src/index.ts';

export type Files = Record<string, string>;

export interface Shape {
  readonly packages: number;
  readonly cores: number;
  readonly threads: number;
  /** Numbers of the nodes; packages are dealt out over them in order. */
  readonly nodes?: readonly number[];
}

export const CPU = '/sys/devices/system/cpu';
export const NODE = '/sys/devices/system/node';

export function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + index);
}

/** CPUs are numbered package by package, core by core; each core has L1d, L1i and L2, each package an L3. */
export function machine({ packages, cores, threads, nodes = [0] }: Shape): Files {
  const perPackage = cores * threads;
  const total = packages * perPackage;
  const files: Files = {
    [`${CPU}/online`]: `${formatCpuList(range(0, total))}\n`,
    [`${CPU}/present`]: `${formatCpuList(range(0, total))}\n`,
    '/proc/meminfo': 'MemTotal:        8388608 kB\n',
    '/proc/cpuinfo': 'processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel name\t: Synthetic\n',
    [`${NODE}/online`]: `${formatCpuList(nodes)}\n`,
  };
  for (const cpu of range(0, total)) {
    const own = Math.floor(cpu / perPackage);
    const core = Math.floor(cpu / threads);
    const siblings = range(core * threads, (core + 1) * threads);
    const package_ = range(own * perPackage, (own + 1) * perPackage);
    const topology = `${CPU}/cpu${cpu}/topology`;
    files[`${topology}/core_id`] = `${core % cores}\n`;
    files[`${topology}/physical_package_id`] = `${own}\n`;
    files[`${topology}/core_cpus`] = map(siblings);
    files[`${topology}/package_cpus`] = map(package_);
    cache(files, cpu, 0, [1, 'Data', '32K'], siblings);
    cache(files, cpu, 1, [1, 'Instruction', '32K'], siblings);
    cache(files, cpu, 2, [2, 'Unified', '512K'], siblings);
    cache(files, cpu, 3, [3, 'Unified', '16384K'], package_);
  }
  for (const [index, node] of nodes.entries()) {
    const each = Math.ceil(packages / nodes.length);
    const cpus = range(index * each * perPackage, Math.min(total, (index + 1) * each * perPackage));
    Object.assign(
      files,
      nodeFiles(
        node,
        cpus,
        nodes.map((other) => (other === node ? 10 : 20)),
      ),
    );
  }
  return files;
}

export function nodeFiles(node: number, cpus: readonly number[], distances: readonly number[]): Files {
  return {
    [`${NODE}/node${node}/cpumap`]: map(cpus),
    [`${NODE}/node${node}/distance`]: `${distances.join(' ')}\n`,
    [`${NODE}/node${node}/meminfo`]: `Node ${node} MemTotal:        4194304 kB\n`,
  };
}

export function map(cpus: readonly number[]): string {
  return `${formatCpuMap(cpus)}\n`;
}

function cache(
  files: Files,
  cpu: number,
  index: number,
  [level, type, size]: [number, string, string],
  shared: readonly number[],
): void {
  const directory = `${CPU}/cpu${cpu}/cache/index${index}`;
  files[`${directory}/level`] = `${level}\n`;
  files[`${directory}/type`] = `${type}\n`;
  files[`${directory}/size`] = `${size}\n`;
  files[`${directory}/coherency_line_size`] = '64\n';
  files[`${directory}/number_of_sets`] = '64\n';
  files[`${directory}/physical_line_partition`] = '1\n';
  files[`${directory}/shared_cpu_map`] = map(shared);
}

export function read(files: Files, links: Files = {}, options: { disallowed?: boolean } = {}): Topology {
  return Topology.read({ fs: memoryFileSystem(files, links), ...options });
}

export function without(files: Files, ...patterns: RegExp[]): Files {
  return Object.fromEntries(
    Object.entries(files).filter(([path]) => !patterns.some((pattern) => pattern.test(path))),
  );
}

/** Of 8 CPUs: a set in `topology/NAME` for each, so that `size` of them make a group. */
export function grouped(name: string, size: number): Files {
  return Object.fromEntries(
    range(0, 8).map((cpu) => {
      const first = cpu - (cpu % size);
      return [`${CPU}/cpu${cpu}/topology/${name}`, map(range(first, first + size))];
    }),
  );
}

/** A file of each CPU. */
export function per(name: string, values: readonly number[]): Files {
  return Object.fromEntries(values.map((value, cpu) => [`${CPU}/cpu${cpu}/${name}`, `${value}\n`]));
}

export const two: Files = machine({ packages: 2, cores: 2, threads: 2, nodes: [0, 1] });
