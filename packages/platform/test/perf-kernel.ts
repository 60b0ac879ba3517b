/**
 * A kernel and a processor that the tests make up: as many counters as they say, rights, kinds of refusal, multiplexing. It keeps the
 * rules of perf_event_open that matter here, so that the tiers of machines unlike this one are decided in a test.
 */
import { PERF_OPEN, PERF_READ_HEADER } from '../src/perf/native-perf.ts';
import type { PerfMachine } from '../src/perf/machine.ts';

export const E = {
  EPERM: 1,
  ENOENT: 2,
  ESRCH: 3,
  EBADF: 9,
  EAGAIN: 11,
  EACCES: 13,
  EINVAL: 22,
  EMFILE: 24,
  ENOSYS: 38,
  EOPNOTSUPP: 95,
};

interface OpenEvent {
  readonly type: number;
  readonly config: number;
  readonly config1: number;
  readonly tid: number;
  readonly flags: number;
  leader: number;
  members: number[];
  count: number;
  enabledNs: number;
  runningNs: number;
}

export interface KernelOptions {
  arch?: string;
  platform?: string;
  /** Counters of the processor that a group can have. 0: no hardware events. */
  counters?: number;
  /** Counters that somebody else holds for good: a group accepted may not fit. */
  held?: number;
  /** The kernel's share is refused (paranoid 2). */
  userOnly?: boolean;
  /** Everything is refused with it. */
  refuse?: number;
  /** Whether pages can be read. */
  rdpmc?: boolean;
  /** 64-bit counters on arm64. */
  long?: boolean;
  files?: number;
  inheritThread?: boolean;
  threads?: number[];
  /** Called at each listing of threads. */
  onListing?: (kernel: FakeKernel) => void;
}

const OWN = 100;

export class FakeKernel {
  readonly options: Required<KernelOptions>;
  readonly events = new Map<number, OpenEvent>();
  /** Every attempt to open, and what became of it. */
  readonly log: { config: number; config1: number; tid: number; flags: number; result: number }[] = [];
  threads: number[];
  pageReads = 0;
  reads = 0;
  /** Event not on the processor at the moment: the page says so. */
  parked = false;
  #next = 1;

  constructor(options: KernelOptions = {}) {
    this.options = {
      arch: 'x64',
      platform: 'linux',
      counters: 6,
      held: 0,
      userOnly: false,
      refuse: 0,
      rdpmc: true,
      long: false,
      files: 1000,
      inheritThread: true,
      threads: [OWN],
      onListing: () => {},
      ...options,
    };
    this.threads = this.options.threads;
  }

  machine(changes: Partial<PerfMachine> = {}): PerfMachine {
    return {
      native: {
        perfOpen: (...args) => this.#logged(...args),
        perfEnable: (leader) => (this.events.has(leader) ? 0 : -E.EBADF),
        perfRead: (leader, out) => this.#read(leader, out),
        perfReadPages: (leader, out) => this.#readPages(leader, out),
        perfClose: (handle) => (this.events.delete(handle) ? 0 : -E.EBADF),
        perfUsage: () => -E.ENOSYS,
        threadCpuTimeInto: (_tid, view) => view.fill(-E.ENOSYS),
      },
      nativeReason: 'a kernel of the test',
      platform: this.options.platform,
      arch: this.options.arch,
      ownTid: OWN,
      threadIds: () => {
        this.options.onListing(this);
        return [...this.threads];
      },
      readText: () => undefined,
      openFile: () => 'ENOENT',
      readFile: () => -1,
      closeFile: () => {},
      resourceUsage: () => process.resourceUsage(),
      threadCpuUs: () => undefined,
      ...changes,
    };
  }

  /** Time passes: every event counts `count` for each nanosecond of `runningNs`. */
  run(enabledNs: number, runningNs: number = enabledNs, count = 1): void {
    for (const event of this.events.values()) {
      event.enabledNs += enabledNs;
      const ran = this.#fits(event) ? runningNs : 0;
      event.runningNs += ran;
      event.count += ran * count;
    }
  }

  #fits({ type, leader }: OpenEvent): boolean {
    const size = this.events.get(leader)?.members.length ?? 1;
    return type !== 0 || size <= this.options.counters - this.options.held;
  }

  #logged(type: number, config: number, config1: number, tid: number, leader: number, flags: number): number {
    const result = this.#open(type, config, config1, tid, leader, flags);
    this.log.push({ config, config1, tid, flags, result });
    return result;
  }

  #open(type: number, config: number, config1: number, tid: number, leader: number, flags: number): number {
    const { counters, userOnly, refuse, files, inheritThread, arch, long } = this.options;
    if (refuse !== 0) return -refuse;
    if (!inheritThread && (flags & PERF_OPEN.inheritThread) !== 0) return -E.EINVAL;
    if (userOnly && (flags & PERF_OPEN.excludeKernel) === 0) return -E.EACCES;
    if (tid !== 0 && !this.threads.includes(tid)) return -E.ESRCH;
    if (type === 0 && counters === 0) return -E.ENOENT;
    if (arch === 'arm64' && type === 0 && config1 === 3 && config !== 0 && !long) return -E.EOPNOTSUPP;
    const group = leader === 0 ? undefined : this.events.get(leader);
    if (leader !== 0 && group === undefined) return -E.EBADF;
    if (type === 0 && group !== undefined && group.members.length >= counters) return -E.EINVAL;
    if (this.events.size >= files) return -E.EMFILE;
    const handle = this.#next++;
    const members = group === undefined ? [handle] : [];
    group?.members.push(handle);
    const times = { enabledNs: 100, runningNs: 100 };
    const event = {
      type,
      config,
      config1,
      tid,
      flags,
      leader: leader || handle,
      members,
      count: 0,
      ...times,
    };
    this.events.set(handle, event);
    if (!this.#fits(event)) for (const member of this.#members(event.leader)) member.runningNs = 0;
    return handle;
  }

  #members(leader: number): OpenEvent[] {
    return (this.events.get(leader)?.members ?? [])
      .map((handle) => this.events.get(handle))
      .filter((event) => event !== undefined);
  }

  #read(leader: number, out: Float64Array): number {
    this.reads++;
    return this.#fill(leader, out);
  }

  #readPages(leader: number, out: Float64Array): number {
    this.pageReads++;
    const event = this.events.get(leader);
    if (event === undefined) return -E.EBADF;
    const { rdpmc, arch } = this.options;
    const access = arch !== 'arm64' || (event.config1 & 2) !== 0;
    if (!rdpmc || !access || event.type !== 0) return -E.EOPNOTSUPP;
    return this.parked ? -E.EAGAIN : this.#fill(leader, out);
  }

  #fill(leader: number, out: Float64Array): number {
    const event = this.events.get(leader);
    if (event === undefined) return -E.EBADF;
    out[0] = event.enabledNs;
    out[1] = event.runningNs;
    const members = this.#members(leader);
    members.forEach(({ count }, i) => {
      out[PERF_READ_HEADER + i] = count;
    });
    return members.length;
  }
}
