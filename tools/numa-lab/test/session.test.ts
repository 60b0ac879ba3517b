import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SessionOutcome } from '../src/session.ts';
import { runSession } from '../src/session.ts';

const SAY = 'const say = (event) => console.log(JSON.stringify(event));';
const HELLO = `say({ event: 'hello', protocol: 1, node: 'n', kernel: 'k', addon: 'a', tests: 1 });`;
const BEGIN = `say({ event: 'begin', suite: 's', test: 't' });`;
const RESULT = `say({ event: 'result', suite: 's', test: 't', asked: 'a', readBack: 'r', verdict: 'passed', durationMs: 1 });`;
const FOREVER = 'setInterval(() => {}, 1000);';

let directory: string;
let consoleLog: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'numa-lab-'));
  consoleLog = join(directory, 'console.log');
});
afterEach(() => rmSync(directory, { recursive: true }));

/** A program in place of the emulator. */
function session(script: string, options: { bootMs?: number; testMs?: number; signal?: AbortSignal } = {}) {
  const { bootMs = 20_000, testMs = 20_000, signal } = options;
  return runSession(
    { command: process.execPath, args: ['-e', SAY + script], env: {} },
    { consoleLog, timeouts: { bootMs, testMs }, ...(signal === undefined ? {} : { signal }) },
  );
}

function problemOf({ problem }: SessionOutcome): string {
  expect(problem?.code).toBe('ERR_LAB_MACHINE');
  return problem?.message ?? '';
}

describe('runSession', () => {
  it('is fine when all announced tests answered and the machine said its end', async () => {
    const outcome = await session(
      `${HELLO}${BEGIN}${RESULT}say({ event: 'end' });say({ event: 'exit', status: 0 });`,
    );
    expect(outcome.problem).toBeNull();
    expect(outcome.hello?.kernel).toBe('k');
    expect(outcome.results).toMatchObject([{ suite: 's', test: 't', verdict: 'passed' }]);
  });

  it('names the panic and the console, and fails the test that was running', async () => {
    writeFileSync(consoleLog, 'early\nKernel panic - not syncing: Attempted to kill init!\nCPU: 3\n');
    const outcome = await session(HELLO + BEGIN);
    expect(problemOf(outcome)).toMatch(
      /^Kernel panic - not syncing: Attempted to kill init! \(.*exit code 0/,
    );
    expect(problemOf(outcome)).toContain('early\n');
    expect(outcome.results).toMatchObject([{ test: 't', verdict: 'failed' }]);
    expect(outcome.results[0]?.readBack).toContain('Kernel panic');
  });

  it('kills a machine that never says anything', async () => {
    const outcome = await session(FOREVER, { bootMs: 50 });
    expect(problemOf(outcome)).toMatch(
      /^the first word of the machine did not come within 0\.05 s\nthe console is empty/,
    );
  });

  it('kills a machine whose test hangs, and says which', async () => {
    const outcome = await session(HELLO + BEGIN + FOREVER, { testMs: 50 });
    expect(problemOf(outcome)).toContain('the result of s: t did not come within 0.05 s');
    expect(outcome.results).toMatchObject([{ test: 't', verdict: 'failed' }]);
  });

  it('kills a machine that says what is no event', async () => {
    const outcome = await session(`${HELLO}console.log('Segmentation fault');${FOREVER}`);
    expect(problemOf(outcome)).toContain('is not JSON: Segmentation fault');
  });

  it('tells a crash of the program from the end of the machine', async () => {
    const outcome = await session(`${HELLO}${BEGIN}say({ event: 'exit', status: 139 });`);
    expect(problemOf(outcome)).toContain('ended with exit code 139 before its tests did');
  });

  it('notices tests that were announced and did not run', async () => {
    const outcome = await session(`${HELLO}say({ event: 'end' });`);
    expect(problemOf(outcome)).toContain('0 results came, 1 tests were announced');
  });

  it('tells what the emulator said when it does not start', async () => {
    const outcome = await session(`console.error('qemu: unknown machine'); process.exit(3);`);
    expect(problemOf(outcome)).toContain('ended with exit code 3 before the machine said anything');
    expect(problemOf(outcome)).toContain('qemu: unknown machine');
  });

  it('tells when there is no such emulator', async () => {
    const nowhere = { command: join(directory, 'nothing'), args: [], env: {} };
    const outcome = await runSession(nowhere, { consoleLog, timeouts: { bootMs: 1000, testMs: 1000 } });
    expect(problemOf(outcome)).toContain('could not be started');
  });

  it('stops by its signal', async () => {
    const stop = new AbortController();
    stop.abort('SIGINT');
    expect(problemOf(await session(FOREVER, { signal: stop.signal }))).toContain('stopped: SIGINT');
  });
});
