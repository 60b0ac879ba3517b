/** Runs a probe in a process of its own, in circumstances that this process must not be in: a cgroup, another user, a limit. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { ProbeAnswer, ProbeInput, ProbeName } from './probes.ts';
import { Mismatch } from './suite.ts';

/** An ordinary user: no capabilities. */
export const NOBODY = 65_534;

export interface Conditions {
  /** Directories of cgroups, joined before Node starts. */
  readonly cgroups?: readonly string[];
  /** RLIMIT_MEMLOCK, before Node starts. */
  readonly lockedKiB?: number;
  /** The probe becomes this user (and group), which leaves it no capabilities. */
  readonly userId?: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** The probe's answer. @throws Mismatch for a probe that fails. */
export function inConditions<N extends ProbeName>(
  conditions: Conditions,
  probe: N,
  ...input: ProbeInput<N>
): ProbeAnswer<N> {
  const { cgroups = [], lockedKiB, userId, env } = conditions;
  const script = [
    ...cgroups.map((cgroup) => `echo $$ > ${cgroup}/cgroup.procs`),
    ...(lockedKiB === undefined ? [] : [`ulimit -l ${lockedKiB}`]),
    'exec node "$@"',
  ].join(' && ');
  const program = join(import.meta.dirname, 'probe-process.ts');
  const child = spawnSync(
    '/bin/sh',
    ['-c', script, 'sh', program, probe, JSON.stringify(input), String(userId ?? 0)],
    { encoding: 'utf8', env: { ...process.env, ...env } },
  );
  if (child.status === 0) return JSON.parse(child.stdout) as ProbeAnswer<N>;
  throw new Mismatch(
    `probe ${probe} ended with ${child.status ?? child.signal}: ${child.stderr.trim().split('\n').slice(-6).join(' ')}`,
  );
}
