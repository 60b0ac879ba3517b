import { expect, it } from 'vitest';
import { Worker } from 'node:worker_threads';
import { once } from 'node:events';
import { errnoName, refused } from '../src/answer.ts';
import type { Capability } from '../src/index.ts';
import { inChild } from './child.ts';
import { loadNative } from '../src/native.ts';
import { fallback, native } from './native-mode.ts';

it('has the addon unless it is switched off, or says what is missing', () => {
  const { addon, reason } = loadNative();
  if (fallback) {
    expect(addon).toBeNull();
    expect(reason).toBe('CORELANE_NO_NATIVE=1 is set');
  } else if (process.env['CORELANE_REQUIRE_NATIVE'] === '1') expect(addon).not.toBeNull();
  else
    expect(reason).toMatch(addon === null ? /there is no addon|could not be loaded/ : /the addon @corelane/);
});

it.runIf(native)('answers the kernel id of each thread', async () => {
  const source = new URL('../src/native.ts', import.meta.url).href;
  const code = `import(${JSON.stringify(source)}).then(({ loadNative }) =>
    require('node:worker_threads').parentPort.postMessage(loadNative().addon.threadId()))`;
  const worker = new Worker(code, { eval: true, execArgv: ['--conditions=@corelane/source'] });
  const [tid] = (await once(worker, 'message')) as [number];
  await worker.terminate();
  expect(loadNative().addon?.threadId()).not.toBe(tid);
  expect(tid).not.toBe(process.pid);
});

it.each([
  ['throws nothing at all', 'throw null', /could not be loaded \(no code: null\)/],
  ['throws what is no error', "throw 'oops'", /could not be loaded \(no code: oops\)/],
  [
    'is not installed',
    "throw Object.assign(new Error('none'), { code: 'MODULE_NOT_FOUND' })",
    /\(MODULE_NOT_FOUND: none; it comes as an optional dependency/,
  ],
  [
    'Node does not load',
    "throw Object.assign(new Error('none'), { code: 'ERR_DLOPEN_DISABLED' })",
    /needs --allow-addons/,
  ],
  ['is nothing', 'return null', /has interface undefined/],
  ['is of another version', 'return { abi: 7 }', /has interface 7, this version of the package needs \d/],
])('an addon that %s is none', async (_, load, reason) => {
  const code = `const { default: Module } = await import('node:module');
    const before = Module._load;
    Module._load = function (name, ...rest) {
      if (name.startsWith('@corelane/platform-')) { ${load}; }
      return before.call(this, name, ...rest);
    };
    return (await platform.capabilities()).find(({ name }) => name === 'nativeAddon');`;
  const found = await inChild<Capability>(code);
  expect(found.status).toBe('unavailable');
  if (!fallback && process.platform === 'linux') expect(found.reason).toMatch(reason);
});

it('names the errors of the kernel as Linux documents them', () => {
  expect(errnoName(1)).toBe('EPERM');
  expect(errnoName(11)).toBe('EAGAIN');
  expect(errnoName(95)).toBe('EOPNOTSUPP');
  expect(errnoName(4000)).toBe('E4000');
});

it('takes a system call that the kernel lacks for unsupported, and others for refused', () => {
  expect(refused('mbind(…)', -38)).toMatchObject({ status: 'unsupported' });
  expect(refused('mbind(…)', -22, 'node 9 does not exist')).toEqual({
    status: 'refused',
    errno: 'EINVAL',
    reason: 'mbind(…) answered EINVAL: node 9 does not exist',
  });
});
