/** What this process may, so that a test can tell which answer must follow. */
import { readFileSync } from 'node:fs';
import process from 'node:process';
import { Topology } from '../src/index.ts';

export const linux = process.platform === 'linux';

/** CAP_SYS_NICE is in the effective set. */
export const mayNice: boolean =
  linux &&
  ((BigInt(`0x${/^CapEff:\s+(\w+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? 0}`) >> 23n) &
    1n) ===
    1n;

/** The process can become another user. */
export const isRoot: boolean = process.getuid?.() === 0;

/** CPUs of the cpuset, ascending. */
export const cpus: readonly number[] = Topology.read()
  .pus.map(({ os }) => os)
  .toSorted((a, b) => a - b);

/** Not on any machine that runs these tests. */
export const NO_CPU = 7000;
