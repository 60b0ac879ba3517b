// The place of a socket that somebody has left: one of all who start there gets it, and who is alive loses nothing.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:net';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setImmediate as turnLoop } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test, vi } from 'vitest';
import { connectSnapshots, serveSnapshots, type SnapshotServer } from '../../src/socket/index.ts';
import { claimPath, removeDeserted } from '../../src/socket/place.ts';
import { fileIdentity, pathState, socketDirectory } from '../../src/socket/socket-path.ts';
import { leaveSocket, newRegistry, useOwnTemporaryFolder } from './scene.ts';

/** Comes between a look at a path and what follows from it. */
const looks = vi.hoisted(() => ({
  after: undefined as ((path: string, state: string) => string) | undefined,
}));
vi.mock('../../src/socket/socket-path.ts', async (original) => {
  const found = await original<typeof import('../../src/socket/socket-path.ts')>();
  const look = async (path: string): Promise<string> => {
    const state = await found.pathState(path);
    return looks.after?.(path, state) ?? state;
  };
  return { ...found, pathState: look };
});
afterEach(() => {
  looks.after = undefined;
});

const COMPETING = fileURLToPath(new URL('./competing-process.ts', import.meta.url));
const scene = useOwnTemporaryFolder();

/** A path in a folder in which nothing else is. */
function place(): string {
  const folder = join(scene.path, `p${readdirSync(scene.path).length}`);
  mkdirSync(folder);
  return join(folder, 'a.sock');
}

const serve = (path: string): Promise<SnapshotServer> => serveSnapshots(newRegistry(), { path });

async function listenAt(path: string): Promise<Server> {
  const server = createServer((socket) => socket.destroy()).listen(path);
  await once(server, 'listening');
  return server;
}

test('of two processes that start at the same left sockets each gets those that the other does not, and both keep them', async () => {
  const paths = Array.from({ length: 10 }, place);
  for (const path of paths) await leaveSocket(path);
  const flags = ['--conditions=@corelane/source', '--disable-warning=ExperimentalWarning'];
  const processes = [0, 1].map(() =>
    spawn(process.execPath, [...flags, COMPETING], { stdio: ['pipe', 'pipe', 'inherit'] }),
  );
  try {
    const lines = processes.map(({ stdout }) => createInterface(stdout)[Symbol.asyncIterator]());
    for (const each of lines) await each.next();
    const startMs = Date.now() + 20;
    for (const { stdin } of processes) stdin.write(JSON.stringify({ paths, startMs }));
    const outcomes: string[][] = [];
    for (const each of lines) outcomes.push(JSON.parse((await each.next()).value as string) as string[]);
    for (const [i, path] of paths.entries()) {
      const winner = outcomes[0]?.[i] === 'serves' ? 0 : 1;
      expect([outcomes[winner]?.[i], outcomes[1 - winner]?.[i]]).toEqual(['serves', 'ERR_SNAPSHOT_SERVER']);
      using client = await connectSnapshots(path);
      expect(client.hello.pid).toBe(processes[winner]?.pid);
      expect(readdirSync(dirname(path))).toEqual(['a.sock']);
    }
  } finally {
    for (const each of processes) each.kill('SIGKILL');
  }
});

test('of many that find a left socket at once one takes its place', async () => {
  const path = place();
  await leaveSocket(path);
  const tried = await Promise.allSettled(Array.from({ length: 12 }, () => serve(path)));
  const servers = tried.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  expect(servers).toHaveLength(1);
  for (const each of tried)
    if (each.status === 'rejected') expect(each.reason).toMatchObject({ code: 'ERR_SNAPSHOT_SERVER', path });
  expect(await pathState(path)).toBe('listening');
  expect(readdirSync(dirname(path))).toEqual(['a.sock']);
  await servers[0]?.close();
  expect(readdirSync(dirname(path))).toEqual([]);
});

test('a socket listens, with its mode, from the moment on at which it has its name', async () => {
  const path = place();
  const serving = serve(path);
  const states = new Set<string>();
  while (!states.has('listening')) {
    states.add(await pathState(path));
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found !== undefined) states.add((found.mode & 0o777).toString(8));
    await turnLoop();
  }
  await using _ = await serving;
  states.delete('free');
  expect([...states].filter((each) => each !== '600' && each !== 'listening')).toEqual([]);
});

test('who has begun to take a place over and died is taken over from', async () => {
  const path = place();
  await leaveSocket(path);
  const claim = claimPath(path, fileIdentity(path) as string);
  await leaveSocket(claim);
  await leaveSocket(claimPath(claim, fileIdentity(claim) as string));
  await using _server = await serve(path);
  expect(readdirSync(dirname(path))).toEqual(['a.sock']);
});

test('who takes a place over is waited for: where it goes away the place is taken, where it stays nobody else gets it', async () => {
  const path = place();
  await leaveSocket(path);
  const claim = claimPath(path, fileIdentity(path) as string);
  const other = await listenAt(claim);
  let asked = 0;
  other.on('connection', () => {
    if (++asked === 3) other.close();
  });
  // However long that takes here.
  const now = vi.spyOn(performance, 'now').mockReturnValue(0);
  const server = await serve(path);
  expect(asked).toBe(3);
  await server.close();

  await leaveSocket(path);
  const identity = fileIdentity(path) as string;
  const stuck = await listenAt(claimPath(path, identity));
  let nowMs = 0;
  now.mockImplementation(() => (nowMs += 900));
  await expect(serve(path)).rejects.toMatchObject({
    message: expect.stringContaining('another process has been taking it over for 2000 ms') as string,
  });
  now.mockRestore();
  expect(fileIdentity(path)).toBe(identity);
  stuck.close();
});

test('a socket that took the place while another one made sure of its claim is left alone', async () => {
  const path = place();
  await leaveSocket(path);
  const claim = claimPath(path, fileIdentity(path) as string);
  // Held, until its holder has put its own socket there: then it lets go of the claim.
  const first = await listenAt(`${path}.own`);
  linkSync(`${path}.own`, claim);
  let asked = 0;
  first.on('connection', () => {
    if (++asked !== 1) return;
    unlinkSync(path);
    linkSync(`${path}.own`, path);
    unlinkSync(claim);
  });
  await expect(serve(path)).rejects.toThrow('another one serves there');
  expect(fileIdentity(path)).toBe(fileIdentity(`${path}.own`));
  first.close();
});

test('a place that another one takes between the look with the claim and the act is left alone', async () => {
  const path = place();
  await leaveSocket(path);
  const other = await listenAt(`${path}.own`);
  let seen = 0;
  looks.after = (at, state) => {
    if (at === path && ++seen === 2) {
      unlinkSync(path);
      linkSync(`${path}.own`, path);
    }
    return state;
  };
  await expect(serve(path)).rejects.toThrow('another one serves there');
  expect(fileIdentity(path)).toBe(fileIdentity(`${path}.own`));
  other.close();
});

test('a file that is there again after the look with the claim, and was not during it, was not looked at', async () => {
  const path = place();
  const other = await listenAt(path);
  await leaveSocket(`${path}.dead`);
  let seen = 0;
  // The first look is of a moment before it listened; when the claim is held another file is there, and after the second look it is back.
  looks.after = (at, state) => {
    if (at !== path) return state;
    seen++;
    if (seen === 1) {
      renameSync(path, `${path}.own`);
      renameSync(`${path}.dead`, path);
      return 'deserted';
    }
    if (seen === 2) renameSync(`${path}.own`, path);
    return state;
  };
  const identity = fileIdentity(path);
  await expect(serve(path)).rejects.toThrow('another one serves there');
  expect(fileIdentity(path)).toBe(identity);
  other.close();
});

test('a deserted socket is removed, one that listens and what is no socket stay', async () => {
  const [deserted, alive, file] = [place(), place(), place()];
  await leaveSocket(deserted);
  const server = await listenAt(alive);
  writeFileSync(file, 'mine');
  for (const path of [deserted, alive, file]) await removeDeserted(path);
  expect([deserted, alive, file].map((path) => readdirSync(dirname(path)))).toEqual([
    [],
    ['a.sock'],
    ['a.sock'],
  ]);
  server.close();
});

test('what is left of taking a place is removed from the default folder after a minute', async () => {
  await (await serveSnapshots(newRegistry())).close();
  const directory = socketDirectory() as string;
  const left = [1, 2].flatMap((minutes) => {
    const folder = join(directory, `.cl-${minutes}`);
    mkdirSync(folder);
    return [folder, join(directory, `.cl=${minutes}`)];
  });
  for (const path of left) {
    if (path.includes('=')) await leaveSocket(path);
    const at = new Date(Date.now() - 60_000 * Number(path.at(-1)) + 30_000);
    utimesSync(path, at, at);
  }
  await using _server = await serveSnapshots(newRegistry());
  expect(readdirSync(directory).filter((name) => name.startsWith('.cl'))).toEqual(['.cl-1', '.cl=1']);
});

test('a symbolic link to nothing is a file of somebody, and a folder whose name is too long has no room', async () => {
  const path = place();
  symlinkSync('nowhere', path);
  await expect(serve(path)).rejects.toThrow('there is a file');
  await expect(serve(`/${'x'.repeat(90)}/a`)).rejects.toMatchObject({ code: 'ERR_ARGUMENT_RANGE' });
});
