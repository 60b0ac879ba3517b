/** Puts a machine together, boots it, and listens. */
import { createWriteStream } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { buildAddon } from './addon.ts';
import { archive } from './archive.ts';
import type { Architecture } from './debian.ts';
import type { EmulatorCommand } from './emulator.ts';
import { emulatorCommand } from './emulator.ts';
import { LabError } from './errors.ts';
import type { TestResult } from './guest-event.ts';
import { GUEST_PACKAGES, guestImage } from './guest-image.ts';
import type { Machine } from './machine.ts';
import { guestNode } from './node-program.ts';
import { kernelImage, packageTree } from './package-tree.ts';
import type { SessionOutcome } from './session.ts';
import { runSession } from './session.ts';
import { makeWorkFolder, removeLeftovers } from './work-folder.ts';

export interface LabRun {
  readonly repository: string;
  readonly only: string | null;
  readonly keep: boolean;
  readonly refresh: boolean;
  readonly timeoutSeconds: number;
  readonly signal: AbortSignal;
  readonly say: (text: string) => void;
  readonly onResult: (result: TestResult) => void;
}

const QEMU_PACKAGES: Record<Architecture, readonly string[]> = {
  amd64: ['qemu-system-x86'],
  arm64: ['qemu-system-arm'],
};

/** @throws LabError for what stops the lab before the machine starts; what the machine does is in the outcome. */
export async function runMachine(machine: Machine, lab: LabRun): Promise<SessionOutcome> {
  const host = hostArchitecture();
  const guest = machine.architecture;
  const cache = join(lab.repository, 'node_modules/.cache/numa-lab');
  await mkdir(cache, { recursive: true });
  await removeLeftovers(cache);
  const emulatorTree = await packageTree(
    cache,
    { name: `qemu-for-${guest}`, architecture: host, packages: QEMU_PACKAGES[guest] },
    lab,
  );
  const guestTree = await packageTree(
    cache,
    {
      name: `guest-${guest}`,
      architecture: guest,
      packages: GUEST_PACKAGES,
    },
    lab,
  );
  const kernelTree = await packageTree(
    cache,
    {
      name: `kernel-${guest}-${machine.kernelFrom}`,
      architecture: guest,
      packages: [],
      kernel: { package: `linux-image-cloud-${guest}`, from: machine.kernelFrom },
    },
    lab,
  );
  await buildAddon(lab.repository, guest);
  const node = await guestNode(cache, guest, host, lab);
  const work = await makeWorkFolder(cache, machine.name, lab.keep);
  try {
    const files = {
      tree: emulatorTree,
      architecture: host,
      kernel: await kernelImage(kernelTree),
      initramfs: join(work, 'initramfs.cpio'),
      consoleLog: join(work, 'console.log'),
    };
    const task = { suites: machine.suites, only: lab.only };
    const entries = guestImage({
      architecture: guest,
      tree: guestTree,
      node,
      repository: lab.repository,
      task,
    });
    await pipeline(Readable.from(archive(entries)), createWriteStream(files.initramfs));
    const emulator = emulatorCommand(machine, files);
    if (lab.keep) await writeFile(join(work, 'boot.sh'), bootScript(emulator), { mode: 0o755 });
    lab.say(`booting ${machine.name}: ${machine.title} …`);
    const outcome = await runSession(emulator, {
      consoleLog: files.consoleLog,
      timeouts: { bootMs: lab.timeoutSeconds * 2000, testMs: lab.timeoutSeconds * 1000 },
      signal: lab.signal,
      onResult: lab.onResult,
    });
    if (lab.keep) await writeFile(join(work, 'outcome.json'), JSON.stringify(outcome, null, 2));
    return outcome;
  } finally {
    if (lab.keep) lab.say(`kept: ${work}`);
    else await rm(work, { recursive: true, force: true });
  }
}

function hostArchitecture(): Architecture {
  const { platform, arch } = process;
  if (platform === 'linux' && arch === 'x64') return 'amd64';
  if (platform === 'linux' && arch === 'arm64') return 'arm64';
  throw new LabError(
    'ERR_LAB_HOST',
    `the lab runs on Linux on x64 or arm64, this is ${platform} on ${arch}; a Debian container will do`,
  );
}

function bootScript({ command, args, env }: EmulatorCommand): string {
  const variables = Object.entries(env).map(([name, value]) => `${name}=${quote(value)} `);
  return `#!/bin/sh\nexec env ${variables.join('')}${[command, ...args].map(quote).join(' ')}\n`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
