/** The events that can be counted, and how the kernel calls them. */

export type PerfEventName =
  | 'cycles'
  | 'instructions'
  | 'cacheReferences'
  | 'cacheMisses'
  | 'branches'
  | 'branchMisses'
  | 'pageFaults'
  | 'minorFaults'
  | 'majorFaults'
  | 'contextSwitches'
  | 'cpuMigrations'
  | 'taskClock';

/** PERF_TYPE_* of linux/perf_event.h. */
export const PERF_TYPE = { hardware: 0, software: 1 } as const;

export type PerfEventType = keyof typeof PERF_TYPE;

export interface PerfEventInfo {
  readonly name: PerfEventName;
  readonly type: PerfEventType;
  /** PERF_COUNT_* of its type. */
  readonly config: number;
  /** Name in the kernel's headers. */
  readonly constant: string;
  /** It happens in the kernel: with the kernel excluded, it would count nothing and read 0. */
  readonly inKernel: boolean;
}

function hardware(name: PerfEventName, config: number, constant: string): PerfEventInfo {
  return { name, type: 'hardware', config, constant: `PERF_COUNT_HW_${constant}`, inKernel: false };
}

function software(name: PerfEventName, config: number, constant: string, inKernel = false): PerfEventInfo {
  return { name, type: 'software', config, constant: `PERF_COUNT_SW_${constant}`, inKernel };
}

const TABLE: readonly PerfEventInfo[] = [
  hardware('cycles', 0, 'CPU_CYCLES'),
  hardware('instructions', 1, 'INSTRUCTIONS'),
  hardware('cacheReferences', 2, 'CACHE_REFERENCES'),
  hardware('cacheMisses', 3, 'CACHE_MISSES'),
  hardware('branches', 4, 'BRANCH_INSTRUCTIONS'),
  hardware('branchMisses', 5, 'BRANCH_MISSES'),
  software('pageFaults', 2, 'PAGE_FAULTS'),
  software('minorFaults', 5, 'PAGE_FAULTS_MIN'),
  software('majorFaults', 6, 'PAGE_FAULTS_MAJ'),
  software('contextSwitches', 3, 'CONTEXT_SWITCHES', true),
  software('cpuMigrations', 4, 'CPU_MIGRATIONS', true),
  software('taskClock', 1, 'TASK_CLOCK'),
];

/** Every event, in the order in which they are counted unless others are asked for. */
export const PERF_EVENT_NAMES: readonly PerfEventName[] = TABLE.map(({ name }) => name);

const BY_NAME = new Map<string, PerfEventInfo>(TABLE.map((info) => [info.name, info]));

export function perfEventInfo(name: string): PerfEventInfo | undefined {
  return BY_NAME.get(name);
}
