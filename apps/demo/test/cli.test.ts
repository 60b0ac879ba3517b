import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { HELP, parseFlags } from '../src/cli/flags.ts';
import { stayUp } from '../src/cli/run.ts';
import { Demo } from '../src/demo.ts';
import { PartError } from '../src/errors.ts';
import type { Report } from '../src/report/report.ts';

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));

/** What begins a control sequence of a terminal. */
const ESCAPE = '\u001b';

interface Run {
  readonly child: ChildProcessByStdio<null, Readable, Readable>;
  readonly ended: Promise<{ code: number | null; out: string; err: string }>;
  /** Resolves when stderr says it; rejects where it ends without. */
  says(what: RegExp): Promise<void>;
}

const folders: string[] = [];
const children: Run['child'][] = [];

afterEach(() => {
  // Where a test failed, before it had ended them.
  for (const child of children.splice(0)) if (child.exitCode === null) child.kill('SIGKILL');
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function start(...args: string[]): Run {
  const child = spawn(process.execPath, ['--conditions=@corelane/source', MAIN, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, out, err }));
  const says = async (what: RegExp): Promise<void> => {
    const end = once(child.stderr, 'end'); // one listener, however often it speaks before
    while (!what.test(err)) {
      if (child.stderr.readableEnded) throw new Error(`stderr ended without ${what}: ${err}`);
      await Promise.race([once(child.stderr, 'data'), end]);
    }
  };
  return { child, ended, says };
}

function expectBalanced(report: Report): void {
  const { answers, flow, events, words } = report.equations;
  expect([...answers, ...flow, ...events, ...words].filter(({ holds }) => !holds)).toEqual([]);
  expect(report.balanced).toBe(true);
}

describe('npm run demo', () => {
  it('runs, balances its books and exits 0; --json prints one document and nothing else on stdout', async () => {
    const { code, out, err } = await start(
      '--json',
      '--duration',
      '3',
      '--connections',
      '16',
      '--workers',
      '2',
    ).ended;
    const report = JSON.parse(out) as Report;
    expectBalanced(report);
    expect(code).toBe(0);
    expect(report.facts).toMatchObject({ payloads: 329, connections: 16, workers: 2, interrupted: false });
    expect(report.facts.outages).toHaveLength(1);
    expect(report.ledger.words.trips).toBeGreaterThan(0);
    expect(report.ledger.gateway.probes).toBeGreaterThan(0);
    expect(report.ledger.client.answers.bomb).toBeGreaterThan(0);
    expect(report.endpoints.length).toBeGreaterThan(20);
    // Plain lines where there is no terminal.
    expect(err).toMatch(/gateway on http:\/\/127\.0\.0\.1:\d+, 2 HTTP workers/);
    expect(err).toMatch(/accepted \d/);
    expect(err.includes('\r') || err.includes(ESCAPE)).toBe(false);
  });

  it('Ctrl-C ends the load early, drains, and still reports', async () => {
    const run = start('--duration', '600', '--outage', 'hang');
    await run.says(/accepted [1-9]/);
    run.child.kill('SIGINT');
    const { code, out } = await run.ended;
    expect(out).toContain('ended early by Ctrl-C');
    expect(out).toMatch(/all \d+ equations hold/);
    expect(out).not.toContain(ESCAPE);
    expect(code).toBe(0);
  });

  it('Ctrl-C before the load has begun is heard, too', async () => {
    const io = { progress: { write: () => true }, interrupt: AbortSignal.abort() };
    const demo = await Demo.start(parseFlags(['--duration', '600', '--workers', '2']), io);
    try {
      const report = await demo.run();
      expect(report.facts.interrupted).toBe(true);
      expectBalanced(report);
    } finally {
      await demo[Symbol.asyncDispose]();
    }
  });

  it('--keep ends with Ctrl-C, or where the gateway fails', async () => {
    const failed = Promise.withResolvers<never>();
    const interrupt = new AbortController();
    const untilCtrlC = stayUp(failed.promise, interrupt.signal);
    interrupt.abort();
    await untilCtrlC;
    const untilFailure = stayUp(failed.promise, new AbortController().signal);
    failed.reject(new PartError('gateway', 'its clock has stopped'));
    await expect(untilFailure).rejects.toThrow('its clock has stopped');
  });

  it('--saturate lets events wait, and urgent ones overtake', async () => {
    const { code, out } = await start('--json', '--duration', '3', '--outage', 'none', '--saturate').ended;
    const report = JSON.parse(out) as Report;
    expectBalanced(report);
    expect(report.facts.saturated).toBe(true);
    const { urgent, normal } = report.ledger.events.byPriority;
    expect(urgent.accepted).toBeGreaterThan(0);
    // 8 deliveries at a time and 32 senders: most have to wait.
    expect(normal.waitMs.p99).toBeGreaterThan(20);
    expect(report.equations.events.map(({ name }) => name)).toContain('urgent events overtake');
    expect(code).toBe(0);
  });

  it('--fault stuck-check replaces the threads that are stuck, and the books balance', async () => {
    const { code, out } = await start('--json', '--duration', '3', '--fault', 'stuck-check').ended;
    const report = JSON.parse(out) as Report;
    expectBalanced(report);
    expect(report.facts.fault).toBe('stuck-check');
    expect(report.facts.replacedCheckThreads).toBeGreaterThan(0);
    expect(report.facts.lastStuckIn).toMatch(/^check at check .*check-task/);
    expect(code).toBe(0);
  });

  it('--payloads sends the files of a directory; --keep stays up, on --port, until Ctrl-C', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'corelane-payloads-'));
    folders.push(folder);
    mkdirSync(join(folder, 'order'));
    writeFileSync(join(folder, 'order', '1.json'), '{"id":1}');
    writeFileSync(join(folder, 'order', '2.json'), '{"id":2}');
    writeFileSync(join(folder, 'invoice.paid.json'), '{"id":3}');
    const port = String(20_000 + (process.pid % 20_000));
    const run = start(
      '--json',
      '--keep',
      '--duration',
      '2',
      '--outage',
      'none',
      '--payloads',
      folder,
      '--port',
      port,
    );
    await run.says(/stays up/);
    const state = (await (await fetch(`http://127.0.0.1:${port}/state`)).json()) as {
      endpoints: { name: string }[];
    };
    expect(state.endpoints.map(({ name }) => name).toSorted()).toEqual([
      'github/invoice',
      'github/order',
      'github/ping',
    ]);
    run.child.kill('SIGINT');
    const { code, out } = await run.ended;
    const report = JSON.parse(out) as Report;
    expect(report.facts.payloads).toBe(3);
    expectBalanced(report);
    expect(code).toBe(0);
  });

  it('what is wrong with the command line is said, and the exit code is 2', async () => {
    const { code, out, err } = await start('--connections', 'many').ended;
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain('--connections is "many", expected a number from 1 to 10000');
    const missing = await start('--payloads', '/nowhere').ended;
    expect(missing.code).toBe(2);
    expect(missing.err).toContain('--payloads: cannot read /nowhere');
  });

  it('--help says what there is', async () => {
    const { code, out } = await start('--help').ended;
    expect(code).toBe(0);
    for (const flag of [
      'json',
      'duration',
      'connections',
      'workers',
      'payloads',
      'keep',
      'help',
      'port',
      'outage',
      'breakers',
      'fault',
      'saturate',
    ])
      expect(out).toContain(`--${flag}`);
  });
});

describe('the README', () => {
  it('has the help text as it is printed', () => {
    const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
    expect(readme).toContain(HELP.trim());
  });
});

describe('flags', () => {
  it('have the defaults that the help tells', () => {
    expect(parseFlags([])).toEqual({
      help: false,
      json: false,
      keep: false,
      durationMs: 10_000,
      connections: 32,
      workers: undefined,
      port: 0,
      payloads: undefined,
      outage: 'reset',
      breakers: 'shared',
      saturate: false,
      fault: 'none',
    });
  });

  it.each([
    ['--bogus'],
    ['positional'],
    ['--duration', '0'],
    ['--duration', ''],
    ['--duration', 'NaN'],
    ['--connections', '1.5'],
    ['--connections=-1'],
    ['--workers', '0'],
    ['--workers', '65'],
    ['--port', '65536'],
    ['--outage', 'flood'],
    ['--outage', 'status 200'],
    ['--breakers', 'none'],
    ['--fault', 'all'],
    ['--json=yes'],
    ['--payloads'],
  ])('refuse %s %s', (...args) => {
    expect(() => parseFlags(args.filter((arg) => arg !== undefined))).toThrow(
      expect.objectContaining({ code: 'ERR_USAGE' }),
    );
  });
});
