/** The command line that starts a machine. */
import { join } from 'node:path';
import type { Architecture } from './debian.ts';
import { findLoader, libraryFolders } from './library-search.ts';
import type { Machine, MachineNode } from './machine.ts';

export interface EmulatorFiles {
  /** Unpacked packages of the emulator, and what they are built for. */
  readonly tree: string;
  readonly architecture: Architecture;
  readonly kernel: string;
  readonly initramfs: string;
  /** Where the kernel's messages go. */
  readonly consoleLog: string;
}

export interface EmulatorCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** The machine's results come on standard output, the console goes to a file, and the end of the machine (or its panic) ends the program. */
export function emulatorCommand(machine: Machine, files: EmulatorFiles): EmulatorCommand {
  const folders = libraryFolders(files.tree, files.architecture);
  return {
    command: findLoader(files.tree, files.architecture),
    args: [
      '--library-path',
      folders.join(':'),
      join(files.tree, 'usr/bin', machine.qemu),
      ...['qemu', 'seabios', 'qemu-efi-aarch64'].flatMap((d) => ['-L', join(files.tree, 'usr/share', d)]),
      ...machineArguments(machine),
      ...['-no-user-config', '-nodefaults', '-no-reboot', '-display', 'none', '-monitor', 'none'],
      ...['-kernel', files.kernel, '-initrd', files.initramfs],
      ...['-append', kernelCommandLine(machine)],
      ...['-chardev', `file,id=console,path=${files.consoleLog.replaceAll(',', ',,')}`],
      ...['-serial', 'chardev:console'],
      ...['-chardev', 'stdio,id=results,signal=off', '-device', 'pci-serial,chardev=results'],
    ],
    env: { QEMU_MODULE_DIR: join(folders.at(-1) ?? '', 'qemu') },
  };
}

/** Everything that makes this machine different from another. */
export function machineArguments(machine: Machine): string[] {
  const hasAccess = machine.nodes.some(({ access }) => access !== undefined);
  const memoryMiB = machine.nodes.reduce((sum, node) => sum + node.memoryMiB, 0);
  return [
    ...[...machine.acceleration, '-machine', `${machine.machineType}${hasAccess ? ',hmat=on' : ''}`],
    ...['-cpu', machine.cpu, '-smp', machine.smp, '-m', `${memoryMiB}M`],
    ...machine.nodes.flatMap(nodeArguments),
    ...machine.distances.flatMap((row, source) =>
      row.flatMap((distance, target) => ['-numa', `dist,src=${source},dst=${target},val=${distance}`]),
    ),
    ...machine.nodes.flatMap((_, target) => accessArguments(machine, target)),
  ];
}

function nodeArguments({ cpus, memoryMiB, access }: MachineNode, node: number): string[] {
  const backend = `memory-backend-ram,id=memory${node},size=${memoryMiB}M`;
  const parts = [
    `node,nodeid=${node}`,
    ...(cpus === null ? [] : [`cpus=${cpus}`]),
    ...(memoryMiB === 0 ? [] : [`memdev=memory${node}`]),
    ...(access === undefined ? [] : [`initiator=${access.initiator}`]),
  ];
  return [...(memoryMiB === 0 ? [] : ['-object', backend]), '-numa', parts.join(',')];
}

/** HMAT wants a latency and a bandwidth for each pair of a node with CPUs and a node with memory; far ones get the double and the half. */
function accessArguments(machine: Machine, target: number): string[] {
  const access = machine.nodes[target]?.access;
  if (access === undefined) return [];
  return machine.nodes.flatMap(({ cpus }, initiator) => {
    if (cpus === null) return [];
    const far = initiator === access.initiator ? 1 : 2;
    const pair = `initiator=${initiator},target=${target},hierarchy=memory`;
    return [
      ...['-numa', `hmat-lb,${pair},data-type=access-latency,latency=${access.latencyNs * far}`],
      ...[
        '-numa',
        `hmat-lb,${pair},data-type=access-bandwidth,bandwidth=${Math.trunc(access.bandwidthMiBPerS / far)}M`,
      ],
    ];
  });
}

/** panic=-1 reboots at once, which -no-reboot makes the end of the emulator. */
function kernelCommandLine(machine: Machine): string {
  return [
    `console=${machine.console}`,
    'rdinit=/init',
    'panic=-1',
    'loglevel=4',
    ...machine.kernelArguments,
  ].join(' ');
}
