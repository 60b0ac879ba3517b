/** What this process may, so that a test can tell which answer must follow. */
import { readFileSync } from 'node:fs';
import process from 'node:process';
import { Topology } from '../src/index.ts';

export const linux = process.platform === 'linux';

/** Of the first user namespace: in another one, capabilities are over what belongs to that. */
const initial = linux && /^\s*0\s+0\s+4294967295$/m.test(readFileSync('/proc/self/uid_map', 'utf8'));
const effective = BigInt(
  `0x${(linux && /^CapEff:\s+(\w+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) || 0}`,
);
const has = (capability: bigint): boolean => initial && ((effective >> capability) & 1n) === 1n;

/** CAP_SYS_NICE is in the effective set. */
export const mayNice: boolean = has(23n);

/** The process can become another user (CAP_SETGID, CAP_SETUID). */
export const isRoot: boolean = process.getuid?.() === 0 && has(6n) && has(7n);

/** CPUs of the cpuset, ascending. */
export const cpus: readonly number[] = Topology.read()
  .pus.map(({ os }) => os)
  .toSorted((a, b) => a - b);

/** Not on any machine that runs these tests. */
export const NO_CPU = 7000;
