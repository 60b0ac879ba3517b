// Puts the calling thread where it is to be, as far as the system lets it, and says what has become of each wish.
import { readlinkSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';
import type { ThreadPlatform } from './ports.ts';
import type { ThreadPlace, ThreadSetting } from './thread-message.ts';

export async function placeThread(place: ThreadPlace): Promise<ThreadSetting[]> {
  const settings: ThreadSetting[] = [];
  const { nice, cpus, node, migration, platform } = place;
  if (nice !== undefined) settings.push(setNice(nice));
  if (platform === undefined || (cpus === undefined && node === undefined && migration === 'any'))
    return settings;
  const port = (await import(platform)) as Partial<ThreadPlatform> & { default?: Partial<ThreadPlatform> };
  settings.push(
    setAffinity(checkPort(typeof port.setAffinity === 'function' ? port : port.default, platform), place),
  );
  return settings;
}

function checkPort(port: Partial<ThreadPlatform> | undefined, module: string): ThreadPlatform {
  for (const name of ['affinity', 'setAffinity', 'currentCpu'] as const)
    if (typeof port?.[name] !== 'function')
      throw new TypeError(
        `${module} exports no function ${name}, expected a ThreadPlatform (option platform)`,
      );
  if (typeof port?.Topology?.read !== 'function')
    throw new TypeError(`${module} exports no Topology, expected a ThreadPlatform (option platform)`);
  return port as ThreadPlatform;
}

function setNice(nice: number): ThreadSetting {
  const option = 'nice';
  if (process.platform !== 'linux')
    return {
      option,
      status: 'unsupported',
      reason: `nice ${nice}: threads have no niceness of their own on ${process.platform}`,
    };
  try {
    const thread = Number(readlinkSync('/proc/thread-self').split('/').at(-1));
    setPriority(thread, nice);
    const found = getPriority(thread);
    if (found === nice) return { option, status: 'done', value: found };
    return { option, status: 'refused', value: found, reason: `nice ${nice}: the thread has ${found}` };
  } catch (error) {
    return { option, status: 'refused', reason: `nice ${nice}: ${(error as Error).message}` };
  }
}

function setAffinity(platform: ThreadPlatform, place: ThreadPlace): ThreadSetting {
  const option = 'affinity';
  const wanted = cpusFor(platform, place);
  if (typeof wanted === 'string') return { option, status: 'refused', reason: wanted };
  const answer = platform.setAffinity(wanted);
  if (answer.status === 'verified') return { option, status: 'done', value: answer.value };
  return { option, status: answer.status, reason: answer.reason };
}

/** @returns why there are none */
function cpusFor(
  platform: ThreadPlatform,
  { cpus, node, migration }: ThreadPlace,
): readonly number[] | string {
  const allowed = cpus === undefined ? platform.affinity() : { status: 'verified' as const, value: cpus };
  if (allowed.status !== 'verified') return allowed.reason;
  const topology = platform.Topology.read();
  let wanted = allowed.value;
  const keepTo = (number: number): string | undefined => {
    const own = topology.node(number)?.cpus;
    if (own === undefined) return `node ${number}: there is none, or it is not allowed`;
    wanted = wanted.filter((cpu) => own.includes(cpu));
    return wanted.length === 0
      ? `node ${number} has CPUs ${own.join(', ')}, and none of those asked for`
      : undefined;
  };
  const refusal = node === undefined ? undefined : keepTo(node);
  if (refusal !== undefined) return refusal;
  if (migration === 'any') return wanted;
  const current = platform.currentCpu();
  const here = current.status === 'verified' ? current.value.cpu : -1;
  const start = wanted.includes(here) ? here : (wanted[0] as number);
  if (migration === 'never') return [start];
  const home = topology.nodeOfCpu(start);
  if (home === null) return `migration within a node: the node of CPU ${start} is not known`;
  return keepTo(home) ?? wanted;
}
