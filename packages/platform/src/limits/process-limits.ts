/** What /proc says of this process: RLIMITs, CPU affinity, capabilities. */
import type { CpuSet } from '../machine/cpu-set.ts';
import { parseCpuList } from '../machine/cpu-set.ts';
import type { Bound, Reading } from './reading.ts';
import { known, unknown } from './reading.ts';
import { PlatformError } from '../errors.ts';
import type { Sysfs } from '../machine/sysfs.ts';

const LIMITS = '/proc/self/limits';
const STATUS = '/proc/self/status';
const UID_MAP = '/proc/self/uid_map';
/** Of the first user namespace: every id is itself. */
const EVERY_ID = /^0\s+0\s+4294967295$/;

export interface ResourceLimit {
  /** In force. */
  readonly soft: Bound;
  /** How far the process may raise it by itself. */
  readonly hard: Bound;
}

/** @param name as the file has it: `Max locked memory` (bytes), `Max open files`. */
export function readResourceLimit(sysfs: Sysfs, name: string): Reading<ResourceLimit> {
  const line = sysfs
    .text(LIMITS)
    ?.split('\n')
    .find((candidate) => candidate.startsWith(`${name} `));
  const match = /^\s+(unlimited|[0-9]{1,20})\s+(unlimited|[0-9]{1,20})(\s|$)/.exec(
    line?.slice(name.length) ?? '',
  );
  if (match === null) return unknown(`no line "${name}" in ${LIMITS}`);
  return known({ soft: bound(match[1]), hard: bound(match[2]) }, LIMITS);
}

function bound(text = ''): Bound {
  return text === 'unlimited' ? 'unlimited' : Number(text);
}

export function readStatus(sysfs: Sysfs, field: string): string | undefined {
  const line = sysfs
    .text(STATUS)
    ?.split('\n')
    .find((candidate) => candidate.startsWith(`${field}:`));
  return line?.slice(field.length + 1).trim();
}

/** `Cpus_allowed_list` (the affinity mask) or `Mems_allowed_list`. */
export function readAllowedList(
  sysfs: Sysfs,
  field: 'Cpus_allowed_list' | 'Mems_allowed_list',
): Reading<CpuSet> {
  const text = readStatus(sysfs, field);
  if (text === undefined) return unknown(`no line "${field}" in ${STATUS}`);
  try {
    return known(parseCpuList(text), STATUS);
  } catch (error) {
    if (!(error instanceof PlatformError)) throw error;
    return unknown(`${STATUS}: ${error.message}`);
  }
}

/** Numbers of linux/capability.h. */
export const CAPABILITY = { IPC_LOCK: 14, SYS_ADMIN: 21, SYS_NICE: 23, PERFMON: 38 } as const;

/**
 * Whether a capability is in the effective set. `undefined` where the file does not tell. `false` in a user namespace (rootless containers):
 * its root has them all, but over what belongs to the namespace, which none of these does.
 */
export function hasCapability(sysfs: Sysfs, name: keyof typeof CAPABILITY): boolean | undefined {
  const text = readStatus(sysfs, 'CapEff');
  if (text === undefined || !/^[0-9a-f]{1,16}$/i.test(text)) return undefined;
  const ids = sysfs.text(UID_MAP);
  if (ids !== undefined && !EVERY_ID.test(ids)) return false;
  return ((BigInt(`0x${text}`) >> BigInt(CAPABILITY[name])) & 1n) === 1n;
}
