// A process looks at the metrics of another, or of itself: the socket does not know the difference.
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import { setImmediate as turnLoop } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { expect, test, vi } from 'vitest';
import type { RegistrySnapshot } from '../../src/index.ts';
import {
  connectSnapshots,
  listProcesses,
  serveSnapshots,
  socketDirectory,
  socketPath,
} from '../../src/socket/index.ts';
import { newRegistry, startServing, useOwnTemporaryFolder } from './scene.ts';

const folder = useOwnTemporaryFolder();

test('another process is found, greets, and shows what it has counted; when it is killed, loops end and it is listed no more', async () => {
  const child = await startServing();
  const path = socketPath(child.pid);
  expect(await listProcesses()).toMatchObject([
    { pid: child.pid, path, hello: { title: 'serving-process' } },
  ]);
  using client = await connectSnapshots(child.pid);
  expect(client.hello).toMatchObject({
    pid: child.pid,
    threadId: 0,
    node: process.version,
    minIntervalMs: 1,
  });
  const { metrics } = await client.snapshot();
  expect(metrics).toMatchObject([{ name: 'requests_total', type: 'counter', series: [{ value: 7 }] }]);

  child.kill('SIGSTOP');
  expect(await listProcesses({ timeoutMs: 20 })).toMatchObject([
    { pid: child.pid, hello: undefined, error: { code: 'ERR_SNAPSHOT_CONNECTION' } },
  ]);
  child.kill('SIGCONT');

  let rounds = 0;
  for await (const each of client.updates(5)) {
    expect(each.metrics).toHaveLength(1);
    if (++rounds === 3) child.kill('SIGKILL');
  }
  expect(rounds).toBeGreaterThanOrEqual(3);
  expect(await client.ended).toBe('lost');
  await expect(client.snapshot()).rejects.toMatchObject({ code: 'ERR_SNAPSHOT_CONNECTION', path });
  await expect(connectSnapshots(child.pid)).rejects.toMatchObject({ code: 'ERR_SNAPSHOT_CONNECTION', path });
  expect(await listProcesses()).toEqual([]);
  expect(existsSync(path)).toBe(true); // it has left its socket
  await using successor = await serveSnapshots(newRegistry(), { path }); // as one that is started with the same path
  using second = await connectSnapshots(successor.path);
  expect(second.hello.pid).toBe(process.pid);
});

/** The sockets of two processes that were killed. Both had begun to serve before: who does takes away what is old. */
async function leftovers(): Promise<[string, string]> {
  const [first, second] = [await startServing(), await startServing()];
  for (const child of [first, second]) {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  return [socketPath(first.pid), socketPath(second.pid)];
}

function age(path: string, ageMs: number): void {
  const at = new Date(Date.now() - ageMs);
  utimesSync(path, at, at);
}

test('who serves or lists takes away what dead processes have left, but not what may be about to listen', async () => {
  const [old, recent] = await leftovers();
  vi.useFakeTimers({ toFake: ['Date'] }); // no time passes between the look at the clock here and theirs
  try {
    age(old, 2001);
    age(recent, 1999);
    expect(await listProcesses()).toEqual([]);
    expect([old, recent].map((path) => existsSync(path))).toEqual([false, true]);
    age(recent, 2001);
    await using _server = await serveSnapshots(newRegistry());
    expect(existsSync(recent)).toBe(false);
  } finally {
    vi.useRealTimers();
  }
});

test.for([
  ['has nothing else to do', undefined, 0, 'lost'],
  ['exits while it serves', 'exit', 3, 'lost'],
  ['stops serving and waits for that', 'close', 4, 'stopped'],
] as const)('a process that %s ends, and takes its socket with it', async ([, input, status, reason]) => {
  const child = await startServing();
  expect(existsSync(socketPath(child.pid))).toBe(true);
  using client = await connectSnapshots(child.pid);
  if (input === undefined) child.stdin?.end();
  else child.stdin?.write(input);
  expect((await once(child, 'exit'))[0]).toBe(status);
  expect(await client.ended).toBe(reason);
  expect(existsSync(socketPath(child.pid))).toBe(false);
});

test('only the user can enter the folder and connect; disposal says goodbye and removes the socket', async () => {
  const exitListeners = process.listenerCount('exit');
  const server = await serveSnapshots(newRegistry());
  expect(server.path).toBe(socketPath(process.pid));
  expect(statSync(server.path).mode & 0o777).toBe(0o600);
  expect(statSync(dirname(server.path)).mode & 0o777).toBe(0o700);
  using client = await connectSnapshots(process.pid);
  const next = client.updates(60_000).next();
  await server[Symbol.asyncDispose]();
  expect(await client.ended).toBe('stopped');
  expect((await next).done).toBe(true);
  expect(existsSync(server.path)).toBe(false);
  expect(process.listenerCount('exit')).toBe(exitListeners);
  await server.close();
});

test('a thread that only serves keeps running where it is told to, and the other threads need not be awake', async () => {
  const registry = newRegistry();
  registry.counter({ name: 'a_total', help: 'A' }).inc(2);
  const thread = new Worker(new URL('./serving-thread.ts', import.meta.url), {
    workerData: registry.handle,
    execArgv: ['--conditions=@corelane/source', '--disable-warning=ExperimentalWarning'],
  });
  await once(thread, 'message');
  using client = await connectSnapshots(process.pid);
  expect(client.hello.threadId).toBe(thread.threadId);
  expect((await client.snapshot()).metrics).toMatchObject([{ name: 'a_total', series: [{ value: 2 }] }]);
  await thread.terminate();
  expect(await client.ended).toBe('lost');
  expect(await listProcesses()).toEqual([]);
});

test('who serves where somebody serves already, or where another file is, is refused and changes nothing', async () => {
  const registry = newRegistry();
  await using first = await serveSnapshots(registry);
  await expect(serveSnapshots(registry)).rejects.toMatchObject({
    code: 'ERR_SNAPSHOT_SERVER',
    path: first.path,
  });
  using client = await connectSnapshots(process.pid);
  expect((await client.snapshot()).metrics).toEqual([]);
  const path = join(folder.path, 'notes.txt');
  writeFileSync(path, 'mine');
  await expect(serveSnapshots(registry, { path })).rejects.toMatchObject({
    code: 'ERR_SNAPSHOT_SERVER',
    path,
  });
  expect(readFileSync(path, 'utf8')).toBe('mine');
});

test('a socket that has taken the place of one that was removed stays when the first server stops', async () => {
  const path = join(folder.path, 'own.sock');
  const first = await serveSnapshots(newRegistry(), { path });
  rmSync(path);
  const registry = newRegistry();
  registry.counter({ name: 'second_total', help: '' });
  await using _second = await serveSnapshots(registry, { path });
  await first.close();
  using client = await connectSnapshots(path);
  expect((await client.snapshot()).metrics).toMatchObject([{ name: 'second_total' }]);
  expect(readdirSync(folder.path).filter((name) => name.startsWith('own'))).toEqual(['own.sock']);
});

test('a folder that others may enter is refused, by who serves and by who looks', async () => {
  await (await serveSnapshots(newRegistry())).close();
  const directory = socketDirectory() as string;
  chmodSync(directory, 0o777);
  const expected = expect.stringContaining('with mode 777, expected a folder') as unknown;
  await expect(serveSnapshots(newRegistry())).rejects.toMatchObject({ message: expected });
  await expect(connectSnapshots(process.pid)).rejects.toMatchObject({ message: expected });
  writeFileSync(join(directory, '1.sock'), '');
  await expect(listProcesses()).rejects.toMatchObject({ message: expected });
  chmodSync(directory, 0o700);
});

test('a path of digits is a path, not a port', async () => {
  let connections = 0;
  await using other = createServer(() => connections++).listen(0, '127.0.0.1');
  await once(other, 'listening');
  const path = String((other.address() as AddressInfo).port);
  await expect(connectSnapshots(path)).rejects.toMatchObject({ code: 'ERR_SNAPSHOT_CONNECTION' });
  const server = await serveSnapshots(newRegistry(), { path }); // in the working directory
  expect(server.path).toBe(resolve(path));
  using client = await connectSnapshots(path);
  expect(client.hello.pid).toBe(process.pid);
  await server.close();
  expect([connections, existsSync(path)]).toEqual([0, false]);
});

test('a connection that is made leaves no timer behind, and one that is not neither', async () => {
  await using server = await serveSnapshots(newRegistry());
  const started = vi.spyOn(globalThis, 'setTimeout');
  const cleared = vi.spyOn(globalThis, 'clearTimeout');
  using _client = await connectSnapshots(server.path, { timeoutMs: 54_321 });
  await expect(connectSnapshots(`${server.path}.no`, { timeoutMs: 54_321 })).rejects.toMatchObject({
    code: 'ERR_SNAPSHOT_CONNECTION',
  });
  const timers = started.mock.results.filter((_, i) => started.mock.calls[i]?.[1] === 54_321);
  expect(timers).toHaveLength(2);
  for (const { value } of timers) expect(cleared).toHaveBeenCalledWith(value);
  vi.restoreAllMocks();
});

test('the signal ends serving; one that is aborted before prevents it', async () => {
  const abort = new AbortController();
  const server = await serveSnapshots(newRegistry(), { signal: abort.signal });
  using client = await connectSnapshots(process.pid);
  abort.abort(new Error('enough'));
  expect(await client.ended).toBe('stopped');
  await server.close();
  await expect(serveSnapshots(newRegistry(), { signal: abort.signal })).rejects.toThrow('enough');
  expect(existsSync(server.path)).toBe(false);
});

test('options are checked, and unknown ones refused', async () => {
  const registry = newRegistry();
  const code = 'ERR_ARGUMENT_RANGE';
  await expect(serveSnapshots(registry, { maxClients: 0 })).rejects.toMatchObject({ code });
  await expect(serveSnapshots(registry, { minIntervalMs: Number.NaN })).rejects.toMatchObject({ code });
  await expect(serveSnapshots(registry, { path: `/${'x'.repeat(200)}` })).rejects.toMatchObject({ code });
  for (const options of [
    { port: 1 },
    { clock: 5 },
    { keepAlive: 'x' },
    { maxClients: 1.5 },
    { path: 5 },
    { signal: 5 },
    null,
  ])
    await expect(serveSnapshots(registry, options as object)).rejects.toMatchObject({ code });
  await expect(connectSnapshots(0)).rejects.toMatchObject({ code });
  await expect(connectSnapshots(1, { timeoutMs: 0 })).rejects.toMatchObject({ code });
  await expect(connectSnapshots(1, { timeout: 5 } as object)).rejects.toMatchObject({ code });
  await expect(listProcesses({ timeoutMs: -1 })).rejects.toMatchObject({ code });
  await expect(listProcesses({ interval: 1 } as object)).rejects.toMatchObject({ code });
});

/** Serves snapshots whose time is their number. */
async function numbered(): Promise<{ server: AsyncDisposable; reads: () => number }> {
  const empty = newRegistry().read();
  let reads = 0;
  const read = (): RegistrySnapshot => ({ ...empty, takenAtMs: ++reads });
  return { server: await serveSnapshots({ read }, { minIntervalMs: 1 }), reads: () => reads };
}

test('who is slower than the updates gets the newest, and a loop that is left costs nothing more', async () => {
  const { server, reads } = await numbered();
  await using _server = server;
  using client = await connectSnapshots(process.pid);
  const updates = client.updates(1);
  expect((await updates.next()).value).toMatchObject({ takenAtMs: 1 });
  while (reads() < 20) await turnLoop();
  const { value } = await updates.next();
  expect((value as RegistrySnapshot).takenAtMs).toBeGreaterThan(10);
  await updates.return();
  const { takenAtMs: atEnd } = await client.snapshot(); // answered after the end of the subscription
  using second = await connectSnapshots(process.pid);
  expect((await second.snapshot()).takenAtMs).toBe(atEnd + 1);
});

test('a loop ends by its signal, one connection has one loop at a time, and disposal ends what waits', async () => {
  const { server } = await numbered();
  await using _server = server;
  using client = await connectSnapshots(process.pid);
  const abort = new AbortController();
  const updates = client.updates(60_000, { signal: abort.signal });
  await updates.next();
  await expect(client.updates(60_000).next()).rejects.toMatchObject({ code: 'ERR_SNAPSHOT_CONNECTION' });
  await expect(client.updates(0.5).next()).rejects.toMatchObject({ code: 'ERR_ARGUMENT_RANGE' });
  const next = updates.next();
  abort.abort(new Error('left'));
  await expect(next).rejects.toThrow('left');
  await expect(client.snapshot({ signal: abort.signal })).rejects.toThrow('left');
  await client.updates(60_000).next();
  const waiting = client.snapshot();
  client[Symbol.dispose]();
  await expect(waiting).rejects.toMatchObject({ code: 'ERR_SNAPSHOT_CONNECTION' });
  expect(await client.ended).toBe('disposed');
});

test('a source that fails is an error of those who ask, and the next snapshot may be had', async () => {
  const empty = newRegistry().read();
  let fails = true;
  const read = (): RegistrySnapshot => {
    if (fails) throw new Error('arena detached');
    return empty;
  };
  await using server = await serveSnapshots({ read });
  using client = await connectSnapshots(server.path);
  const refused = { code: 'ERR_SNAPSHOT_REFUSED', reason: 'ERR_SNAPSHOT_READ' };
  await expect(client.snapshot()).rejects.toMatchObject(refused);
  await expect(client.updates(50).next()).rejects.toMatchObject(refused);
  fails = false;
  expect(await client.snapshot()).toEqual(empty);
});
