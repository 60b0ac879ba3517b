/** Random machines, as the files that Linux would show: levels, gaps, offline CPUs, missing files, old kernels, cpusets. */
import { formatCpuList, formatCpuMap } from '../src/index.ts';
import type { Files } from './machine.ts';
import { range } from './machine.ts';
import type { Workshop } from './synthetic-nodes.ts';
import { addCpuset, addNodes } from './synthetic-nodes.ts';

const CPU = '/sys/devices/system/cpu';

/** Numbers from 0 to below `n`, the same for the same seed (mulberry32). */
export function random(seed: number): (n: number) => number {
  let state = seed | 0;
  return (n) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * n);
  };
}

export interface Synthetic {
  readonly files: Files;
  /** What it is, for messages. */
  readonly story: readonly string[];
}

/** One thread of the machine to be. Numbers count from the outside in. */
interface Thread {
  readonly cpu: number;
  readonly drawer: number;
  readonly book: number;
  readonly package: number;
  readonly die: number;
  readonly cluster: number;
  readonly core: number;
}

export function synthesize(seed: number): Synthetic {
  const below = random(seed);
  const chance = (percent: number): boolean => below(100) < percent;
  const pick = <T>(...choices: readonly T[]): T => choices[below(choices.length)] as T;
  const story: string[] = [];
  const tell = (text: string): void => void story.push(text);

  const shape = {
    drawers: 1,
    books: 1,
    packages: pick(1, 1, 2, 2, 3, 4),
    dies: pick(1, 1, 1, 2),
    clusters: pick(1, 1, 2, 3),
    cores: pick(1, 2, 2, 3, 4),
    threads: pick(1, 1, 2, 4),
  };
  const isS390 = chance(8);
  if (isS390) Object.assign(shape, { drawers: pick(1, 2), books: pick(1, 2, 3) });
  // Large machines show nothing that small ones do not, and hwloc has to read them from a disk.
  for (const level of ['clusters', 'cores', 'packages'] as const)
    if (Object.values(shape).reduce((product, count) => product * count, 1) > 48) shape[level] = 1;
  tell(JSON.stringify(shape));
  const isAmdModule = !isS390 && chance(10);
  if (isAmdModule) tell('AMD modules');

  const threads = numberThreads(
    shape,
    pick('packed', 'threadsLast', 'spread'),
    chance(15) ? below : undefined,
  );
  const all = threads.map(({ cpu }) => cpu);
  const last = Math.max(...all);
  const offline = new Set(chance(25) ? all.filter((cpu) => cpu !== last && chance(20)) : []);
  const isOnline = (cpu: number): boolean => !offline.has(cpu);
  const online = all.filter(isOnline).toSorted((a, b) => a - b);
  if (offline.size > 0) tell(`offline ${[...offline].join()}`);

  const oldNames = chance(40);
  const files: Files = {};
  const hasOnlineList = !chance(15);
  if (hasOnlineList) files[`${CPU}/online`] = `${formatCpuList(online)}\n`;
  if (chance(70)) files[`${CPU}/present`] = `${formatCpuList(all)}\n`;
  if (chance(70)) files[`${CPU}/possible`] = `0-${last + below(8)}\n`;
  files['/proc/cpuinfo'] = cpuinfo(online, isS390 ? 's390' : isAmdModule ? 'amd' : 'intel');
  files['/proc/meminfo'] = 'MemTotal:       16777216 kB\n';
  files['/proc/hwloc-nofile-info'] = `OSName: Linux\nArchitecture: ${isS390 ? 's390x' : 'x86_64'}\n`;
  const width = chance(50) ? 32 * Math.ceil((last + 1) / 32) : last + 1 + below(20);
  const mask = (cpus: readonly number[]): string => `${formatCpuMap(cpus, width)}\n`;
  const share = (key: (thread: Thread) => unknown) => {
    const groups = Map.groupBy(threads, (thread) => JSON.stringify(key(thread)));
    return (thread: Thread): number[] =>
      (groups.get(JSON.stringify(key(thread))) ?? []).map(({ cpu }) => cpu).filter(isOnline);
  };
  const sets = {
    core: share((t) => [t.drawer, t.book, t.package, t.die, t.cluster, t.core]),
    cluster: share((t) => [t.drawer, t.book, t.package, t.die, t.cluster]),
    die: share((t) => [t.drawer, t.book, t.package, t.die]),
    package: share((t) => [t.drawer, t.book, t.package]),
    book: share((t) => [t.drawer, t.book]),
    drawer: share((t) => t.drawer),
    all: share(() => 0),
    self: share((t) => t.cpu),
  };

  // Which level shares which cache, from the inside out; a kernel may know of none.
  const order = ['self', 'core', 'cluster', 'die', 'package'] as const;
  const innerFirst = pick('self', 'core', 'core', 'core') as (typeof order)[number];
  const l2 = order[Math.min(4, order.indexOf(innerFirst) + below(3))] ?? 'core';
  const l3 = order[Math.min(4, order.indexOf(l2) + below(3))] ?? 'package';
  const withIds = chance(60);
  const cacheLevels: { level: number; type: string; sizeKib: number; of: keyof typeof sets }[] = chance(12)
    ? []
    : [
        { level: 1, type: 'Data', sizeKib: 32, of: innerFirst },
        ...(chance(85)
          ? [{ level: 1, type: 'Instruction', sizeKib: 64, of: pick(innerFirst, innerFirst, l2) }]
          : []),
        ...(chance(90) ? [{ level: 2, type: 'Unified', sizeKib: 1280, of: l2 }] : []),
        ...(chance(10) ? [{ level: 2, type: 'Instruction', sizeKib: 512, of: l2 }] : []),
        ...(chance(70) ? [{ level: 3, type: 'Unified', sizeKib: 30_720, of: l3 }] : []),
        ...(chance(8) ? [{ level: 4, type: 'Unified', sizeKib: 131_072, of: 'all' as const }] : []),
      ];
  tell(`caches ${cacheLevels.map(({ level, type, of }) => `L${level}${type[0]}:${of}`).join(' ')}`);

  const withDies = shape.dies > 1 || chance(30);
  const withClusters = !isS390 && (shape.clusters > 1 || chance(30));
  const noPackageId = chance(8);
  const withoutPackages = chance(4);
  const withoutCores = chance(4);
  const asymmetric = chance(12);
  if (asymmetric) tell('some CPUs lack files');
  for (const thread of threads) {
    const { cpu } = thread;
    const at = `${CPU}/cpu${cpu}`;
    if (!hasOnlineList && (chance(70) || offline.has(cpu)))
      files[`${at}/online`] = offline.has(cpu) ? '0\n' : '1\n';
    if (offline.has(cpu)) {
      files[`${at}/uevent`] = '';
      if (chance(20)) files[`${at}/cache/index0/level`] = '1\n';
      continue;
    }
    const topology = `${at}/topology`;
    files[`${topology}/core_id`] = `${isAmdModule ? cpu : thread.core + thread.cluster * shape.cores}\n`;
    files[`${topology}/physical_package_id`] = `${noPackageId ? -1 : thread.package}\n`;
    const core = oldNames ? 'thread_siblings' : 'core_cpus';
    const package_ = oldNames ? 'core_siblings' : 'package_cpus';
    if (!withoutCores) files[`${topology}/${core}`] = mask(sets.core(thread));
    if (!withoutPackages) files[`${topology}/${package_}`] = mask(sets.package(thread));
    if (!withoutCores && chance(50))
      files[`${topology}/${core}_list`] = `${formatCpuList(sets.core(thread))}\n`;
    if (withDies) {
      files[`${topology}/die_cpus`] = mask(sets.die(thread));
      files[`${topology}/die_id`] = `${thread.die}\n`;
    }
    if (withClusters) {
      files[`${topology}/cluster_cpus`] = mask(sets.cluster(thread));
      files[`${topology}/cluster_id`] = `${pick(thread.cluster, -1)}\n`;
    }
    if (isS390) {
      files[`${topology}/book_siblings`] = mask(sets.book(thread));
      files[`${topology}/book_id`] = `${thread.book}\n`;
      files[`${topology}/drawer_siblings`] = mask(sets.drawer(thread));
      files[`${topology}/drawer_id`] = `${thread.drawer}\n`;
    }
    for (const [index, { level, type, sizeKib, of }] of cacheLevels.entries()) {
      const directory = `${at}/cache/index${index}`;
      if (asymmetric && chance(10)) continue;
      const shared = sets[of](thread);
      files[`${directory}/level`] = `${level}\n`;
      if (!(asymmetric && chance(10))) files[`${directory}/type`] = `${type}\n`;
      files[`${directory}/size`] = `${sizeKib}K\n`;
      files[`${directory}/shared_cpu_map`] = mask(asymmetric && chance(5) ? [] : shared);
      if (withIds) files[`${directory}/id`] = `${shared[0] ?? 0}\n`;
      if (chance(90)) files[`${directory}/coherency_line_size`] = '64\n';
      files[`${directory}/number_of_sets`] = `${pick(64, 64, 1)}\n`;
      if (chance(80)) files[`${directory}/physical_line_partition`] = '1\n';
    }
  }

  if (chance(15)) {
    // Firmware that contradicts itself: sets that overlap, that lack their own CPU, that name CPUs of others.
    const maps = Object.keys(files).filter((path) => /_cpus$|_siblings$|shared_cpu_map$/.test(path));
    for (let count = 1 + below(6); count > 0 && maps.length > 0; count--) {
      const path = pick(...maps);
      files[path] = mask(online.filter(() => chance(40)));
      tell(`broken ${path}`);
    }
  }

  const shop: Workshop = { files, below, chance, pick, tell, online, restricted: chance(30) };
  const level = pick('package', 'package', 'die', 'all', 'cluster', 'core');
  const nodes = addNodes(shop, { mask, level, cpus: threads.map((thread) => sets[level](thread)) });
  if (shop.restricted) addCpuset(shop, nodes);
  return { files, story };
}

type Numbering = 'packed' | 'threadsLast' | 'spread';

function numberThreads(
  shape: Readonly<
    Record<'drawers' | 'books' | 'packages' | 'dies' | 'clusters' | 'cores' | 'threads', number>
  >,
  numbering: Numbering,
  gaps: ((n: number) => number) | undefined,
): Thread[] {
  const found: Omit<Thread, 'cpu'>[] = [];
  const byThread: Omit<Thread, 'cpu'>[][] = range(0, shape.threads).map(() => []);
  for (const drawer of range(0, shape.drawers))
    for (const book of range(0, shape.books))
      for (const package_ of range(0, shape.packages))
        for (const die of range(0, shape.dies))
          for (const cluster of range(0, shape.clusters))
            for (const core of range(0, shape.cores))
              for (const thread of range(0, shape.threads)) {
                const one = { drawer, book, package: package_, die, cluster, core };
                found.push(one);
                byThread[thread]?.push(one);
              }
  let ordered = numbering === 'packed' ? found : byThread.flat();
  // As many BIOSes do: CPU 0 in package 0, CPU 1 in package 1…
  if (numbering === 'spread')
    ordered =
      range(0, shape.packages).length > 1
        ? [...ordered.entries()]
            .map(([index, one]) => ({
              one,
              key: [index % (found.length / shape.packages), one.package] as const,
            }))
            .toSorted((a, b) => a.key[0] - b.key[0] || a.key[1] - b.key[1])
            .map(({ one }) => one)
        : ordered;
  let cpu = -1;
  return ordered.map((one) => {
    cpu += 1 + (gaps !== undefined && gaps(5) === 0 ? gaps(4) : 0);
    return { ...one, cpu };
  });
}

function cpuinfo(cpus: readonly number[], kind: 's390' | 'amd' | 'intel'): string {
  if (kind === 's390')
    return `vendor_id       : IBM/S390\n# processors    : ${cpus.length}\n${cpus.map((cpu) => `processor ${cpu}: version = FF,  identification = 012345,  machine = 2827\n`).join('')}`;
  const vendor = kind === 'amd' ? 'AuthenticAMD' : 'GenuineIntel';
  const family = kind === 'amd' ? 21 : 6;
  return cpus
    .map(
      (cpu) =>
        `processor\t: ${cpu}\nvendor_id\t: ${vendor}\ncpu family\t: ${family}\nmodel name\t: Synthetic CPU\n\n`,
    )
    .join('');
}
