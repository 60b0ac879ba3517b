/** Operations that transfer nothing: sizes, advice, and the status of paths. */
import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { IoArgumentError, IoFile, OperationError, stat } from '../src/index.ts';
import type { NativeAddon } from '../src/native.ts';
import { loadNative } from '../src/native.ts';
import { RingEngine } from '../src/ring-engine.ts';
import { Operation } from '../src/operation.ts';
import { OP } from '../src/layout.ts';
import { fileOf, folder, pattern, ringOf } from './files.ts';
import { native } from './native-mode.ts';

test('truncate cuts a file and extends it by zeros', async () => {
  const ring = ringOf();
  const name = fileOf(pattern(5000));
  await using file = await IoFile.open(ring, name, 'r+');
  await file.truncate(1234, { timeoutMs: 5000 });
  expect(fs.readFileSync(name)).toEqual(Buffer.from(pattern(5000).subarray(0, 1234)));
  await file.truncate(3000);
  expect(fs.readFileSync(name).subarray(1234)).toEqual(Buffer.alloc(3000 - 1234));
  await file.truncate(2 ** 33 + 1); // sparse; more than 32 bits
  expect((await file.stat()).sizeBytes).toBe(2 ** 33 + 1);
  await file.truncate(0);
  expect(fs.statSync(name).size).toBe(0);
  for (const bad of [-1, 0.5, 2 ** 53, '1'])
    await expect(file.truncate(bad as number)).rejects.toBeInstanceOf(IoArgumentError);
  await using readonly = await IoFile.open(ring, name);
  await expect(readonly.truncate(1)).rejects.toMatchObject({ code: 'EINVAL', syscall: 'ftruncate' });
});

test.runIf(native)('where the kernel has no such operation, a thread of node:fs truncates', async () => {
  const addon = loadNative().addon as NativeAddon;
  const asked: number[] = [];
  const older: NativeAddon = {
    ...addon,
    supports: (_, opcode) => {
      asked.push(opcode);
      return 0;
    },
  };
  const engine = RingEngine.open(older, { entries: 2, files: 0, fixedBuffers: false }) as RingEngine;
  const fd = fs.openSync(fileOf(pattern(100)), 'r+');
  const truncate = (to: number, descriptor: number): Promise<number> =>
    new Promise((resolve) => {
      const operation = new Operation(OP.ftruncate, 'ftruncate');
      operation.fd = descriptor;
      operation.position = to;
      operation.completion = { completed: (_, result) => resolve(result) };
      engine.start(operation);
      expect(engine.inFlight).toBe(1);
    });
  expect(await truncate(7, fd)).toBe(0);
  expect(fs.fstatSync(fd).size).toBe(7);
  expect(await truncate(7, 999_999)).toBe(-9);
  expect(asked).toEqual([OP.ftruncate]);
  expect(engine.inFlight).toBe(0);
  await engine.close();
  fs.closeSync(fd);
});

test('advice is taken, where there is a call for it', async () => {
  const ring = ringOf();
  await using file = await IoFile.open(ring, fileOf(pattern(1 << 16)));
  const all = ['normal', 'random', 'sequential', 'willNeed', 'dontNeed', 'noReuse'] as const;
  for (const advice of all) {
    const advised = file.advise(0, 0, advice);
    if (native) await advised;
    else await expect(advised).rejects.toMatchObject({ code: 'EOPNOTSUPP', syscall: 'fadvise' });
  }
  await expect(file.advise(0, 0, 'soon' as 'normal')).rejects.toThrow(
    'advice is "soon", expected one of normal, random, sequential, willNeed, dontNeed, noReuse',
  );
  await expect(file.advise(0, 2 ** 32, 'normal')).rejects.toThrow(
    'expected a whole number from 0 to 4294967295',
  );
  await expect(file.advise(-1, 0, 'normal')).rejects.toThrow('position is -1');
});

test('the status of a path is that of its file, and with `followLinks: false` that of the link', async () => {
  const ring = ringOf();
  const name = fileOf('abcdef');
  const link = path.join(folder(), 'link');
  fs.symlinkSync(name, link);
  const found = await stat(ring, link);
  const { ino, mtimeNs } = fs.statSync(name, { bigint: true });
  expect(found).toMatchObject({ sizeBytes: 6, inode: ino, modifiedNs: mtimeNs });
  const itself = await stat(ring, link, { followLinks: false });
  expect(itself.inode).toBe(fs.lstatSync(link, { bigint: true }).ino);
  expect(itself.mode & fs.constants.S_IFMT).toBe(fs.constants.S_IFLNK);
  const missing: unknown = await stat(ring, `${name}.none`).catch((error: unknown) => error);
  expect(missing).toBeInstanceOf(OperationError);
  expect(missing).toMatchObject({ code: 'ENOENT', path: `${name}.none` });
  for (const bad of ['', 'a\0b', 7, 'x'.repeat(4096)])
    await expect(stat(ring, bad as string)).rejects.toBeInstanceOf(IoArgumentError);
  await expect(stat(ring, name, { signal: AbortSignal.abort(new Error('no')) })).rejects.toThrow('no');
});
