/** Processes that end with operations in flight, by themselves or by force: they end at once, and nothing of theirs reads on. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { execArgv } from './child.ts';
import { pipePath } from './files.ts';
import { native } from './native-mode.ts';

const PROGRAM = path.join(import.meta.dirname, 'waiting-process.ts');

interface End {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** @param kill sent when the process says that it is ready */
async function run(end: string, pipe: string, kill?: NodeJS.Signals): Promise<End> {
  const child = spawn(process.execPath, [...execArgv, PROGRAM, end, pipe], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const exited = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  if (kill !== undefined) {
    await once(child.stdout, 'data');
    child.kill(kill);
  }
  const [code, signal] = await exited;
  return { code, signal };
}

describe.runIf(native)('a process with operations in flight that wait for ever', () => {
  const cases: [end: string, kill: NodeJS.Signals | undefined, expected: End][] = [
    ['exit', undefined, { code: 7, signal: null }],
    ['throw', undefined, { code: 1, signal: null }],
    ['reject', undefined, { code: 1, signal: null }],
    ['terminate', undefined, { code: 7, signal: null }],
    ['terminate-worker-in-run', undefined, { code: 7, signal: null }],
    ['exit-with-worker-in-run', undefined, { code: 7, signal: null }],
    ['exit-while-terminating', undefined, { code: 7, signal: null }],
    ['exit-in-worker', undefined, { code: 7, signal: null }],
    ['throw-in-worker', undefined, { code: 1, signal: null }],
    ['killed', 'SIGKILL', { code: null, signal: 'SIGKILL' }],
    ['killed', 'SIGTERM', { code: null, signal: 'SIGTERM' }],
    ['killed-in-run', 'SIGKILL', { code: null, signal: 'SIGKILL' }],
    ['killed-in-run', 'SIGTERM', { code: null, signal: 'SIGTERM' }],
  ];
  for (const [end, kill, expected] of cases)
    test(`ends: ${end}${kill === undefined ? '' : ` by ${kill}`}`, { timeout: 30_000 }, async () => {
      const pipe = pipePath();
      const fd = fs.openSync(pipe, fs.constants.O_RDWR | fs.constants.O_NONBLOCK);
      onTestFinished(() => fs.closeSync(fd));
      expect(await run(end, pipe, kill)).toEqual(expected);
      // The kernel takes a ring down after the process is gone. Whoever still read would take some of it.
      const text = 'x'.repeat(1000);
      fs.writeSync(fd, text);
      await new Promise(setImmediate);
      expect(fs.readSync(fd, Buffer.alloc(2000))).toBe(1000);
    });
});
