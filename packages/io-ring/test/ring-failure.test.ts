/** A ring that fails in the midst of a batch, as where somebody closes descriptors that are not his: memory comes back no earlier than the kernel lets go. */
import { describe, expect, test } from 'vitest';
import { runProgram } from './child.ts';
import { native } from './native-mode.ts';

const PROGRAM = `
  import child_process from 'node:child_process';
  import os from 'node:os';
  import path from 'node:path';
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'io-ring-'));
  const pipe = (name) => {
    child_process.execFileSync('mkfifo', [path.join(folder, name)]);
    return fs.openSync(path.join(folder, name), 'r+');
  };
  const rings = () => fs.readdirSync('/proc/self/fd').filter((fd) => {
    try { return fs.readlinkSync('/proc/self/fd/' + fd).includes('io_uring'); } catch { return false; }
  });
  const [first, second] = [pipe('first'), pipe('second')];
  fs.rmSync(folder, { recursive: true });
  const before = new Set(rings());
  const batch = IoBatch.open({ entries: 2 });
  const [ring] = rings().filter((fd) => !before.has(fd));
  const bytes = shared(8);
  let taken = '';
  const lease = { bytes, give() {}, take() { taken = Buffer.from(bytes).toString(); } };
  batch.read(first, shared(8), 0);
  batch.read(second, lease, 0);
  batch.sync(first);
  const running = batch.runAsync().catch(({ code }) => code);
  await new Promise((resolve) => setTimeout(resolve, 50)); // libuv watches it from the next turn on
  fs.closeSync(Number(ring));
  fs.writeSync(first, '12345678');
  await new Promise((resolve) => setTimeout(resolve, 100)); // the failure is known long before
  const early = taken;
  fs.writeSync(second, 'abcdefgh');
  const answer = await running;
  console.log(JSON.stringify({ early, taken, answer, results: [...batch.results.subarray(0, 3)] }));
  process.reallyExit(0); // the number of the ring is somebody else's by now, perhaps
`;

describe.runIf(native)('a ring whose descriptor is closed in the midst of a batch', () => {
  test('the batch fails when the kernel has let go of all of its memory', () => {
    const found = runProgram(PROGRAM);
    expect(found).toEqual({ early: '', taken: 'abcdefgh', answer: 'EBADF', results: [8, 8, -125] });
  });
});
