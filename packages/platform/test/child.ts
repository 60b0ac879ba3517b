// Runs code against this package in a process of its own, as another user and in another cpuset where asked.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { isRoot } from './machine-facts.ts';

export interface ChildOptions {
  /** Gives up root, where it is root, after loading; default false. */
  readonly unprivileged?: boolean;
  /** Further options of node. */
  readonly node?: readonly string[];
  /** A command before node's, as `['prlimit', '--nice=30']`. */
  readonly wrapper?: readonly string[];
  /** Called with the process id before any of the code runs. */
  readonly prepare?: (pid: number) => void;
}

const NOBODY = 65_534;

/**
 * What `code`, the body of an async function with all of this package as `platform`, returns. In-process, since another user could not read
 * the sources everywhere.
 */
export async function inChild<T>(code: string, options: ChildOptions = {}): Promise<T> {
  const source = new URL('../src/index.ts', import.meta.url).href;
  const drop =
    options.unprivileged === true && isRoot
      ? `platform.threadId(); process.setgroups([]); process.setgid(${NOBODY}); process.setuid(${NOBODY});`
      : '';
  const script = `import * as platform from ${JSON.stringify(source)};
    import { once } from 'node:events';
    import { Worker } from 'node:worker_threads';
    await once(process.stdin, 'data'); // not readSync: the pipe does not block, and the byte may not be there yet
    process.stdin.destroy();
    ${drop}
    const result = await (async () => { ${code} })();
    process.stdout.write(JSON.stringify(result));`;
  const flags = ['--conditions=@corelane/source', ...(options.node ?? []), '--input-type=module'];
  const node = [process.execPath, ...flags, '--eval', script];
  const [command = '', ...args] = [...(options.wrapper ?? []), ...node];
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const out: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  await once(child, 'spawn');
  options.prepare?.(child.pid ?? 0);
  child.stdin.end('\n');
  const [status] = (await once(child, 'close')) as [number | null];
  if (status !== 0) throw new Error(`the child ended with ${status}`);
  return JSON.parse(Buffer.concat(out).toString()) as T;
}
