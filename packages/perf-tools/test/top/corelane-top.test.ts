import { fork, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { COLUMNS, ROWS, TestTerminal } from './terminal.ts';

const flags = ['--conditions=@corelane/source', '--disable-warning=ExperimentalWarning'];
const file = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const top = [...flags, file('../../src/corelane-top.ts')];
const folder = mkdtempSync(join(tmpdir(), 'corelane-top-'));
// Processes that serve at the default path do it in this folder, where nobody else's are. Nothing else of this environment
// is theirs: Node has a dozen variables by which a terminal is without colours (NO_COLOR, CI, TEAMCITY_VERSION and others).
const env: NodeJS.ProcessEnv = { PATH: process.env['PATH'], TMPDIR: folder };

/** Empty where there is no such process. */
function statusOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch {
    return '';
  }
}

const children: ChildProcess[] = [];

async function serving(...args: readonly string[]): Promise<ChildProcess> {
  const child = fork(file('serving-process.ts'), args, { env, execArgv: flags });
  children.push(child);
  await once(child, 'message');
  return child;
}

function run(...args: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [...top, ...args], { env, encoding: 'utf8' });
}

let shared: ChildProcess;
beforeAll(async () => {
  shared = await serving();
});
afterEach(() => {
  for (const child of children) if (child !== shared && child.exitCode === null) child.kill('SIGKILL');
});
afterAll(() => {
  shared.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

describe('where the output is no terminal, corelane-top', () => {
  test('lists the processes that serve', () => {
    const { status, stdout } = run();
    expect(status).toBe(0);
    expect(stdout.split('\n')[0]).toMatch(/^ +PID {2}NODE +UP {2}TITLE$/);
    expect(stdout).toMatch(new RegExp(`^ *${shared.pid} {2}v[\\d.]+ +\\d+s {2}\\S+`, 'm'));
    const [{ pid, hello }] = run('--json')
      .stdout.trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { pid: number; hello: { pid: number } }) as [never];
    expect([pid, (hello as { pid: number }).pid]).toEqual([shared.pid, shared.pid]);
  });

  test('prints the metrics once', () => {
    const { status, stdout } = run('--once', '-f', 'request', String(shared.pid));
    expect(status).toBe(0);
    const lines = stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(5);
    expect(lines[0]).toContain(`pid ${shared.pid}`);
    expect(lines[3]).toMatch(/^request_seconds +100 +– +4\d\.\d ms +9\d\.\d ms +100 ms$/);
    expect(lines[4]).toMatch(/^requests_total\{code=200\} +1\.00k +–$/);
    expect(stdout).not.toContain('\u001B');
  });

  test('prints JSON a line, as many as are asked for', () => {
    const { status, stdout } = run('--json', '-n', '2', '-i', '0.1', String(shared.pid));
    expect(status).toBe(0);
    const snapshots = stdout.trimEnd().split('\n');
    expect(snapshots).toHaveLength(2);
    for (const line of snapshots)
      expect((JSON.parse(line) as { metrics: { name: string }[] }).metrics.map(({ name }) => name)).toEqual(
        expect.arrayContaining(['requests_total', 'request_seconds']),
      );
  });

  test('goes on until the process stops serving, says so, and exits with 0', async () => {
    const path = join(folder, 'other.sock');
    const child = await serving(path);
    const client = spawn(process.execPath, [...top, '-i', '0.1', path], { env });
    let stderr = '';
    client.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
    await once(client.stdout, 'data');
    child.send('stop');
    const [code] = (await once(client, 'close')) as [number];
    expect(stderr).toBe(`corelane-top: process ${child.pid} has stopped serving\n`);
    expect(code).toBe(0);
  });

  test('ends in peace when nobody reads it any more', async () => {
    const client = spawn(process.execPath, [...top, '-i', '0.05', String(shared.pid)], { env });
    await once(client.stdout, 'data');
    client.stdout.destroy();
    expect(await once(client, 'exit')).toEqual([0, null]);
  });

  test.each([
    [
      1,
      /no snapshots from .*none\.sock[^\n]*\n\(serveSnapshots .*without arguments lists/,
      [join(folder, 'none.sock')],
    ],
    [2, /--interval is 0, expected 0\.05 to 3600 \(seconds\)/, ['-i', '0', '1']],
  ])('exits with %i and says %s', (code, why, args) => {
    const { status, stdout, stderr } = run(...args);
    expect(stderr).toMatch(why);
    expect(stdout).toBe('');
    expect(status).toBe(code);
  });
});

describe.runIf(process.platform === 'linux')('in a terminal, corelane-top', () => {
  /** Of sh: paths may have spaces. */
  const command = (...args: readonly (string | number | undefined)[]): string =>
    [process.execPath, ...top, ...args].map((word) => `'${word}'`).join(' ');
  const has =
    (text: string | RegExp) =>
    (screen: string): boolean =>
      typeof text === 'string' ? screen.includes(text) : text.test(screen);

  test('fills the screen, obeys keys, follows the size, and leaves the screen as it was', async () => {
    await using terminal = new TestTerminal(command('-i', '0.1', shared.pid), env);
    await terminal.shows(has('requests_total{code=200}'));
    expect(terminal.isOnOtherScreen).toBe(true);
    expect(terminal.screen[2]).toMatch(/^NAME +VALUE +\/S +P50 +P99 +MAX$/);
    expect(terminal.screen[2]).toHaveLength(COLUMNS);
    expect(terminal.screen[ROWS - 1]).toMatch(/^by name · q quit/);
    shared.send('tick');
    await terminal.shows(has('2.00k'));
    terminal.type('w');
    await terminal.shows(has('  thread 0 (writer 0)'));
    terminal.type('s');
    await terminal.shows(has('by value'));
    terminal.type('/seco');
    await terminal.shows((screen) => screen.includes('/seco') && !screen.includes('requests_total'));
    terminal.type('\r');
    await terminal.shows(has('by value'));
    terminal.type('\u001B');
    await terminal.shows(has('requests_total'));
    terminal.type('p');
    await terminal.shows(has('PAUSED'));
    terminal.resize(50, 6);
    await terminal.shows(has(/^NAME +VALUE +\/S +P99$/m));
    expect(terminal.screen[5]).toMatch(/^by value · rows 1–2 of \d/);
    terminal.type('q');
    expect(await terminal.exitCode).toBe(0);
    expect(terminal.isOnOtherScreen).toBe(false);
    // Lines are cleared before they are written: some terminals would clear the last letter of a full line otherwise.
    expect(terminal.output).toContain('\u001B[K\u001B[1mcorelane-top');
    expect(terminal.output.trimEnd().endsWith('\u001B[?7h\u001B[?25h\u001B[?1049l')).toBe(true);
  });

  test('follows the size at once, and is without colours where NO_COLOR says so', async () => {
    await using terminal = new TestTerminal(command('-i', '3600', shared.pid), { ...env, NO_COLOR: '1' });
    await terminal.shows(has('requests_total{code=200}'));
    // Figures come in an hour: it is the size that is followed.
    terminal.resize(40, 5);
    await terminal.shows(has(/^NAME +VALUE$/m));
    // oxlint-disable-next-line no-control-regex -- what a terminal gets
    expect(terminal.output).not.toMatch(/\u001B\[\d+m/);
    terminal.type('\u0003');
    expect(await terminal.exitCode).toBe(0);
  });

  test.each([
    ['stopped serving', 'stop', 0],
    ['ended, or has dropped this client', 'SIGKILL', 1],
  ] as const)('says on the screen that was there before that the process has %s', async (what, how, code) => {
    const path = join(folder, `${how}.sock`);
    const child = await serving(path);
    await using terminal = new TestTerminal(command('-i', '0.1', path), env);
    await terminal.shows(has('requests_total{code=200}'));
    if (how === 'stop') child.send('stop');
    else child.kill(how);
    expect(await terminal.exitCode).toBe(code);
    expect(terminal.isOnOtherScreen).toBe(false);
    expect(terminal.screen.join('\n')).toContain(`corelane-top: process ${child.pid} has ${what}`);
  });

  test('comes back where nobody could continue it after Ctrl-Z', async () => {
    await using terminal = new TestTerminal(command('-i', '0.1', shared.pid), env);
    await terminal.shows(has('requests_total{code=200}'));
    terminal.type('\u001A');
    await terminal.shows(() => terminal.output.includes('\u001B[?1049l'));
    await terminal.shows((screen) => terminal.isOnOtherScreen && screen.includes('requests_total{code=200}'));
    terminal.type('q');
    expect(await terminal.exitCode).toBe(0);
  });

  test('ends in peace when its terminal is closed', async () => {
    const complaints = join(folder, 'complaints');
    const terminal = new TestTerminal(`${command('-i', '0.1', shared.pid)} 2> '${complaints}'`, env);
    await terminal.shows(has('requests_total{code=200}'));
    const { pid } = terminal;
    await terminal[Symbol.asyncDispose]();
    // Nobody waits for it: it may stay as a zombie for a while.
    // oxlint-disable-next-line no-await-in-loop -- looks again
    while (/^State:\s+[^ZX]/m.test(statusOf(pid))) await setImmediate();
    expect(readFileSync(complaints, 'utf8')).toBe('');
  });

  test('gives the screen back when it is told to end', async () => {
    await using terminal = new TestTerminal(command(shared.pid), env);
    await terminal.shows(has('requests_total{code=200}'));
    process.kill(terminal.pid, 'SIGTERM');
    expect(await terminal.exitCode).toBe(143);
    expect(terminal.isOnOtherScreen).toBe(false);
  });
});
