/**
 * The machines that the lab can boot, as data.
 *
 * HMAT and nodes without memory are on different machines, for QEMU (7.2) describes the memory of each node in HMAT, also of one that has none,
 * and the kernel then ignores the whole table.
 */
import type { Architecture, Suite } from './debian.ts';

export interface MachineNode {
  /** CPUs of this node, as QEMU takes them: `0-1`. `null`: memory only. */
  readonly cpus: string | null;
  /** 0: CPUs only. */
  readonly memoryMiB: number;
  /** With HMAT: the node whose CPUs are nearest to this memory, and how fast they reach it. */
  readonly access?: {
    readonly initiator: number;
    readonly latencyNs: number;
    readonly bandwidthMiBPerS: number;
  };
}

export interface Machine {
  readonly name: string;
  /** For --help and the head of the table. */
  readonly title: string;
  readonly architecture: Architecture;
  readonly qemu: string;
  /** Which of Debian's kernels. */
  readonly kernelFrom: Suite;
  readonly machineType: string;
  /** How instructions are emulated. */
  readonly acceleration: readonly string[];
  readonly cpu: string;
  readonly smp: string;
  readonly nodes: readonly MachineNode[];
  /** Rows of distances; none: one node, or what the firmware says by itself. */
  readonly distances: readonly (readonly number[])[];
  /** Device that the kernel writes its messages to. */
  readonly console: string;
  /** More of the kernel's command line. */
  readonly kernelArguments: readonly string[];
  /** Programs of `guest/suites/`, in order. */
  readonly suites: readonly string[];
}

const PC = {
  architecture: 'amd64',
  qemu: 'qemu-system-x86_64',
  kernelFrom: 'release',
  machineType: 'q35',
  acceleration: ['-accel', 'tcg,thread=multi'],
  // Without cmpxchg16b: with it, Linux 6.12 under QEMU 7.2 panics in 7 boots of 10 in kmem_cache_alloc, after that
  // instruction, with impossible flags.
  cpu: 'max,-cx16',
  console: 'ttyS0',
  // Memory stays where the test put it. Version 1 of cgroups would keep controllers from version 2.
  kernelArguments: ['numa_balancing=disable', 'cgroup_no_v1=all'],
} as const;

export const MACHINES: readonly Machine[] = [
  {
    ...PC,
    name: 'numa4',
    title: '4 sockets with 2 CPUs and 512 MiB each, distances 10/16/22',
    smp: '8,sockets=4,cores=2,threads=1',
    nodes: ['0-1', '2-3', '4-5', '6-7'].map((cpus) => ({ cpus, memoryMiB: 512 })),
    distances: [
      [10, 16, 16, 22],
      [16, 10, 22, 16],
      [16, 22, 10, 16],
      [22, 16, 16, 10],
    ],
    suites: ['topology', 'cgroup', 'memory', 'huge-pages', 'threads', 'refusals'],
  },
  {
    ...PC,
    name: 'tiers',
    // Needs 6.9 for memory tiers by HMAT and weighted interleaving.
    kernelFrom: 'backports',
    title: 'two nodes with CPUs, two with memory only (one of them slow), told by HMAT; a newer kernel',
    smp: '4,sockets=2,cores=2,threads=1',
    nodes: [
      { cpus: '0-1', memoryMiB: 1024, access: { initiator: 0, latencyNs: 80, bandwidthMiBPerS: 20_480 } },
      { cpus: '2-3', memoryMiB: 1024, access: { initiator: 1, latencyNs: 80, bandwidthMiBPerS: 20_480 } },
      { cpus: null, memoryMiB: 1024, access: { initiator: 0, latencyNs: 40, bandwidthMiBPerS: 40_960 } },
      { cpus: null, memoryMiB: 1024, access: { initiator: 1, latencyNs: 300, bandwidthMiBPerS: 5120 } },
    ],
    distances: [
      [10, 20, 12, 28],
      [20, 10, 22, 24],
      [12, 22, 10, 28],
      [28, 24, 28, 10],
    ],
    suites: ['tiers'],
  },
  {
    ...PC,
    name: 'holes',
    title:
      'a node with CPUs and memory, one with CPUs only, one with memory only; 2 threads a core, cgroups of version 1',
    // The kernel asks an AMD processor for its threads in a way that QEMU does not answer.
    cpu: 'max,-cx16,vendor=GenuineIntel',
    smp: '4,sockets=2,cores=1,threads=2',
    nodes: [
      { cpus: '0-1', memoryMiB: 1024 },
      { cpus: '2-3', memoryMiB: 0 },
      { cpus: null, memoryMiB: 1024 },
    ],
    distances: [
      [10, 20, 28],
      [20, 10, 12],
      [28, 12, 10],
    ],
    kernelArguments: ['numa_balancing=disable'],
    suites: ['holes', 'cgroup-v1'],
  },
  {
    name: 'counters',
    title: 'arm64 with 4 Cortex-A72, whose counters of cycles and instructions work even in emulation',
    architecture: 'arm64',
    qemu: 'qemu-system-aarch64',
    kernelFrom: 'release',
    machineType: 'virt',
    // Counting instructions takes one thread for all CPUs, and makes the clock go by them.
    acceleration: ['-accel', 'tcg,thread=single', '-icount', 'shift=0,sleep=off'],
    cpu: 'cortex-a72',
    console: 'ttyAMA0',
    kernelArguments: ['cgroup_no_v1=all', 'sysctl.kernel.perf_user_access=1'],
    smp: '4',
    nodes: [{ cpus: '0-3', memoryMiB: 1536 }],
    distances: [],
    suites: ['arm64', 'perf', 'parking'],
  },
];
