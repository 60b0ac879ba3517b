// What else the machine did during a round: /proc/stat (all CPUs, ticks of 10 ms) minus what this process used.
import { readFileSync } from 'node:fs';

export interface MachineLoad {
  readonly wallMs: number;
  /** CPUs' worth of this process and of the children it has waited for. */
  readonly ownCpus: number;
  /** CPUs' worth of everything else, or null where the platform does not tell. Exact to 20 ms per `wallMs`. */
  readonly foreignCpus: number | null;
  /** CPUs' worth that the hypervisor gave to others, or null. */
  readonly stealCpus: number | null;
  /** Times that the kernel took the CPU from a thread of this process. */
  readonly involuntarySwitches: number;
}

interface Reading {
  readonly wallMs: number;
  readonly ownMs: number;
  readonly switches: number;
  readonly busyMs: number | null;
  readonly stealMs: number | null;
}

const TICK_MS = 10; // USER_HZ is 100 on every architecture that Node runs on

/** A shorter span cannot be judged in ticks of 10 ms. */
const MIN_JUDGED_MS = 80;

function field(text: string, index: number): number {
  return Number(text.split(/\s+/)[index] ?? Number.NaN);
}

/** `cpu user nice system idle iowait irq softirq steal …`; guest time is part of user. */
export function parseCpuLine(stat: string): { busyMs: number; stealMs: number } | null {
  const line = stat.slice(0, stat.indexOf('\n'));
  if (!line.startsWith('cpu ')) return null;
  const [user, nice, system, irq, softirq, steal] = [1, 2, 3, 6, 7, 8].map((index) => field(line, index));
  const busy = (user ?? 0) + (nice ?? 0) + (system ?? 0) + (irq ?? 0) + (softirq ?? 0);
  return Number.isNaN(busy) ? null : { busyMs: busy * TICK_MS, stealMs: (steal ?? 0) * TICK_MS };
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null; // not Linux, or hidden: reported as null, never guessed
  }
}

/** Fields of /proc/PID/stat, counted from the state on, which is field 3 in proc(5). */
const TIME = [11, 12];
const REAPED_TIME = [13, 14];

/** Sum of ticks of a process, milliseconds; 0 where it is gone. */
function processMs(pid: number | 'self', fields: readonly number[]): number {
  const stat = readText(`/proc/${pid}/stat`);
  if (stat === null) return 0;
  const afterName = stat.slice(stat.lastIndexOf(')') + 2);
  return fields.reduce((ticks, index) => ticks + field(afterName, index), 0) * TICK_MS;
}

const companions = new Set<number>();

/**
 * The work of this child process is not foreign, from now on; without it, only that of children which have ended is counted as ours.
 * The time of a child that ends moves to that sum, so there is nothing to undo.
 */
export function countAsOwn(pid: number): void {
  companions.add(pid);
}

function companionsMs(): number {
  let sum = 0;
  for (const pid of companions) sum += processMs(pid, TIME);
  return sum;
}

function read(): Reading {
  const stat = readText('/proc/stat');
  const cpu = stat === null ? null : parseCpuLine(stat);
  const own = process.cpuUsage();
  return {
    wallMs: performance.now(),
    ownMs: (own.user + own.system) / 1000 + processMs('self', REAPED_TIME) + companionsMs(),
    switches: process.resourceUsage().involuntaryContextSwitches,
    busyMs: cpu?.busyMs ?? null,
    stealMs: cpu?.stealMs ?? null,
  };
}

/** Starts observing; the function returned says what happened since. */
export function observeLoad(): () => MachineLoad {
  const before = read();
  return () => {
    const after = read();
    const wallMs = after.wallMs - before.wallMs;
    const ownMs = after.ownMs - before.ownMs;
    const known = after.busyMs !== null && before.busyMs !== null;
    const busyMs = known ? after.busyMs - before.busyMs : null;
    return {
      wallMs,
      ownCpus: ownMs / wallMs,
      foreignCpus: busyMs === null ? null : Math.max(0, busyMs - ownMs) / wallMs,
      stealCpus:
        after.stealMs === null || before.stealMs === null ? null : (after.stealMs - before.stealMs) / wallMs,
      involuntarySwitches: after.switches - before.switches,
    };
  };
}

/** Why a round with this load is no evidence, or null where it is. */
export function dirtReason(load: MachineLoad, maxForeignCpus: number): string | null {
  if (load.wallMs < MIN_JUDGED_MS || load.foreignCpus === null) return null;
  const slackCpus = (2 * TICK_MS) / load.wallMs;
  if (load.foreignCpus > maxForeignCpus + slackCpus)
    return `foreign work on ${load.foreignCpus.toFixed(2)} CPUs, at most ${maxForeignCpus} allowed`;
  if (load.stealCpus !== null && load.stealCpus > maxForeignCpus / 4 + slackCpus)
    return `${load.stealCpus.toFixed(2)} CPUs stolen by the hypervisor, at most ${maxForeignCpus / 4} allowed`;
  return null;
}
