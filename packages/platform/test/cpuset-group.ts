/** A cgroup of its own with a cpuset, where this machine and this user can have one. */
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import process from 'node:process';

export interface CpusetGroup extends Disposable {
  /** Moves a process, all of its threads, into the group. `undefined` where there is none. */
  readonly add?: (pid: number) => void;
  /** Why there is none. */
  readonly reason: string;
}

const V1 = '/sys/fs/cgroup/cpuset';
const V2 = '/sys/fs/cgroup';

export function cpusetGroup(cpus: string): CpusetGroup {
  const v1 = existsSync(`${V1}/cpuset.cpus`);
  const parent = v1 ? V1 : V2;
  const group = `${parent}/corelane-test-${process.pid}`;
  try {
    if (!v1) {
      const there = readFileSync(`${V2}/cgroup.controllers`, 'utf8');
      if (!there.split(/\s/).includes('cpuset'))
        return none(`no cpuset in ${V2}/cgroup.controllers: ${there}`);
      writeFileSync(`${V2}/cgroup.subtree_control`, '+cpuset');
    }
    mkdirSync(group);
    if (v1) writeFileSync(`${group}/cpuset.mems`, readFileSync(`${V1}/cpuset.mems`, 'utf8'));
    writeFileSync(`${group}/cpuset.cpus`, cpus);
  } catch (error) {
    return none(`no cpuset group: ${(error as Error).message}`);
  }
  return {
    reason: group,
    add: (pid) => writeFileSync(`${group}/cgroup.procs`, `${pid}`),
    [Symbol.dispose]: () => {
      try {
        rmdirSync(group);
      } catch {
        // Busy for a moment after its last process: the next boot forgets it.
      }
    },
  };
}

function none(reason: string): CpusetGroup {
  return { reason, [Symbol.dispose]: () => {} };
}
