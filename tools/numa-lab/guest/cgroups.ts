/** Control groups, made for a test and removed after it. */
import { mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = '/sys/fs/cgroup';
const CONTROLLERS = '+cpu +cpuset +memory';

/** Settings by file name (`cpu.max`), one record for each group of a chain, the outermost first. */
export type Chain = readonly Readonly<Record<string, string>>[];

let chains = 0;

/** Makes nested groups, calls `use` with the directories, outermost first, and removes them again. */
export function withGroups<T>(chain: Chain, use: (directories: readonly string[]) => T): T {
  writeFileSync(join(ROOT, 'cgroup.subtree_control'), CONTROLLERS);
  const directories: string[] = [];
  try {
    let parent = join(ROOT, `lab${chains++}`);
    for (const [depth, settings] of chain.entries()) {
      const directory = depth === 0 ? parent : join(parent, `inner${depth}`);
      mkdirSync(directory);
      directories.push(directory);
      for (const [file, text] of Object.entries(settings)) writeFileSync(join(directory, file), text);
      if (depth < chain.length - 1) writeFileSync(join(directory, 'cgroup.subtree_control'), CONTROLLERS);
      parent = directory;
    }
    return use(directories);
  } finally {
    for (const directory of directories.toReversed()) rmdirSync(directory);
  }
}
