/** The older control groups: a hierarchy for each controller. Mounted in place of version 2, for good. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = '/sys/fs/cgroup';
const HIERARCHIES = { cpu: 'cpu,cpuacct', memory: 'memory', cpuset: 'cpuset' } as const;

type HierarchyName = keyof typeof HIERARCHIES;

/** For each hierarchy the settings of nested groups by file name (`cpu.cfs_quota_us`), the outermost first. */
export type ChainsV1 = Partial<Record<HierarchyName, readonly Readonly<Record<string, string>>[]>>;

let chains = 0;

/** Puts the hierarchies where they usually are. A second call does nothing. */
function mountV1(): void {
  if (existsSync(join(ROOT, 'memory'))) return;
  execFileSync('umount', [ROOT]);
  execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', ROOT]);
  for (const [name, controllers] of Object.entries(HIERARCHIES)) {
    mkdirSync(join(ROOT, name));
    execFileSync('mount', ['-t', 'cgroup', '-o', controllers, 'cgroup', join(ROOT, name)]);
  }
}

/** Makes nested groups, calls `use` with the innermost of each hierarchy, and removes them again. */
export function withGroupsV1<T>(wanted: ChainsV1, use: (directories: readonly string[]) => T): T {
  mountV1();
  const made: string[] = [];
  const innermost: string[] = [];
  try {
    for (const [hierarchy, chain] of Object.entries(wanted)) {
      let directory = join(ROOT, hierarchy);
      for (const [depth, settings] of chain.entries()) {
        const parent = directory;
        directory = join(parent, depth === 0 ? `lab${chains++}` : `inner${depth}`);
        mkdirSync(directory);
        made.push(directory);
        // A new cpuset allows nothing, and nothing can run in it.
        if (hierarchy === 'cpuset')
          for (const file of ['cpuset.cpus', 'cpuset.mems'])
            writeFileSync(join(directory, file), readFileSync(join(parent, file)));
        for (const [file, text] of Object.entries(settings)) writeFileSync(join(directory, file), text);
      }
      innermost.push(directory);
    }
    return use(innermost);
  } finally {
    for (const directory of made.toReversed()) rmdirSync(directory);
  }
}
