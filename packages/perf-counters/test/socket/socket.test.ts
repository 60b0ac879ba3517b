// A process looks at the metrics of another, or of itself: the socket does not know the difference.
import { existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect, test } from 'vitest';
import { connectSnapshots, listProcesses, serveSnapshots, socketPath } from '../../src/socket/index.ts';
import { newRegistry, startServing, useOwnTemporaryFolder } from './scene.ts';

useOwnTemporaryFolder();

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
});

test('only the user can enter the folder and connect; disposal says goodbye and removes the socket', async () => {
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
  await server.close();
});
