/**
 * A thread of the soak: random operations, many at a time, on a file of its own and on a pipe that stays empty, each answer compared with what must
 * be there, until it is terminated in the middle of whatever it does.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { BufferPool, type BufferPoolHandle, type Lease } from '@corelane/buffer-pool';
import { IoBatch, IoChain, IoFile, IoRing, TcpListener, TcpSocket } from '../../src/index.ts';
import { Journal, PAGE_BYTES, PAGES } from './pages.ts';

export interface ThreadData {
  readonly seed: number;
  readonly file: string;
  readonly pipe: string;
  readonly journal: SharedArrayBuffer;
  readonly pool: BufferPoolHandle;
  readonly owner: number;
  readonly engine: 'auto' | 'fs';
  /** Operations that were answered and found right, added to by each thread. */
  readonly count: Int32Array;
}

const LANES = 12;
const MESSAGE_BYTES = 3000;
const data = workerData as ThreadData;
const journal = new Journal(data.journal);
const pool = BufferPool.attach(data.pool, undefined, { owner: data.owner });
/** Pages that a lane writes, reads or has in a batch. */
const taken = new Set<number>();
let state = data.seed | 1;

function random(below: number): number {
  state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
  return (state >> 8) % below;
}

function check(fine: boolean, what: string): void {
  if (!fine) throw new Error(`seed ${data.seed}: ${what}`);
}

function checkPage(page: number, bytes: Uint8Array): void {
  const problem = journal.problemOf(page, bytes);
  check(problem === undefined, problem ?? '');
}

/** Pages that no other lane has. */
function takePages(count: number): number[] {
  const pages: number[] = [];
  for (let tries = 0; tries < 4 * count && pages.length < count; tries++) {
    const page = random(PAGES);
    if (taken.has(page)) continue;
    taken.add(page);
    pages.push(page);
  }
  return pages;
}

interface Session {
  readonly ring: IoRing;
  readonly file: IoFile;
  /** Stays empty. None on node:fs, where a read of it would keep its thread. */
  readonly pipe: IoFile | null;
  /** For connections: those that wait for one must leave room for who makes one. */
  readonly talking: IoRing;
  readonly listener: TcpListener;
}

async function open(): Promise<Session> {
  const ring = IoRing.open({ entries: 1 << random(6), files: random(6), engine: data.engine });
  const file = await IoFile.open(ring, data.file, 'r+');
  const pipe = ring.backend.kind === 'io_uring' ? await IoFile.open(ring, data.pipe, 'r+') : null;
  const talking = IoRing.open({ entries: 64, engine: data.engine });
  const listener = await TcpListener.listen(talking, { host: '127.0.0.1' });
  return { ring, file, pipe, talking, listener };
}

async function write({ file }: Session, page: number, lease: Lease): Promise<void> {
  journal.begin(page, lease.bytes);
  lease.length = PAGE_BYTES;
  check((await file.write(lease, { position: page * PAGE_BYTES })) === PAGE_BYTES, 'a write was short');
  journal.end(page);
}

async function read({ file }: Session, page: number, lease: Lease): Promise<void> {
  lease.bytes.fill(0xff);
  check((await file.read(lease, { position: page * PAGE_BYTES })) === PAGE_BYTES, 'a read was short');
  checkPage(page, lease.bytes);
}

/** Some pages in one operation: those that follow one another. */
async function vectors({ file }: Session, page: number, lease: Lease): Promise<void> {
  const half = PAGE_BYTES / 2;
  const parts = [lease.bytes.subarray(0, half), lease.bytes.subarray(half)];
  if (random(2) === 0) {
    journal.begin(page, lease.bytes);
    check((await file.writev(parts, { position: page * PAGE_BYTES })) === PAGE_BYTES, 'writev was short');
    journal.end(page);
  } else {
    check((await file.readv(parts, { position: page * PAGE_BYTES })) === PAGE_BYTES, 'readv was short');
    checkPage(page, lease.bytes);
  }
}

async function batch({ file }: Session, pages: readonly number[]): Promise<void> {
  const linked = random(2) === 0; // a chain must fit into the ring
  const many = IoBatch.open({
    operations: 16,
    entries: linked ? 16 : 1 + random(8),
    engine: data.engine,
  });
  const memory = new Uint8Array(new SharedArrayBuffer(pages.length * PAGE_BYTES));
  const part = (index: number): Uint8Array => memory.subarray(index * PAGE_BYTES, (index + 1) * PAGE_BYTES);
  const writes = random(2) === 0;
  for (const [index, page] of pages.entries()) {
    if (writes) journal.begin(page, part(index));
    many[writes ? 'write' : 'read'](file.fd, part(index), page * PAGE_BYTES);
    if (linked && random(2) === 0) many.link();
  }
  many.sync(file.fd);
  const succeeded = random(2) === 0 ? many.run() : await many.runAsync();
  check(
    succeeded === pages.length + 1,
    `a batch had ${succeeded}: ${many.results.subarray(0, pages.length + 1).join(' ')}`,
  );
  for (const [index, page] of pages.entries())
    if (writes) journal.end(page);
    else checkPage(page, part(index));
  many.close();
}

/** A read that ends by its signal or its time-out, or is still under way when the thread is terminated. */
async function wait({ pipe }: Session, lease: Lease): Promise<void> {
  if (pipe === null) return;
  const controller = new AbortController();
  const timeoutMs = 1 + random(30);
  const over = pipe.read(lease, random(2) === 0 ? { timeoutMs } : { signal: controller.signal });
  setTimeout(() => controller.abort(), timeoutMs);
  const error = await over.catch((reason: unknown) => reason as { name: string });
  check(
    typeof error === 'object' && /^(AbortError|OperationTimeoutError)$/.test(error.name),
    `a wait ended with ${String(error)}`,
  );
}

async function look({ file }: Session): Promise<void> {
  await file.sync({ dataOnly: random(2) === 0 });
  const { sizeBytes } = await file.stat();
  check(sizeBytes === PAGES * PAGE_BYTES, `the file has ${sizeBytes} bytes`);
}

/** Written, synced and read back in one go, by rings that have room for it. */
async function chain({ ring, file }: Session, page: number, lease: Lease): Promise<void> {
  const steps = IoChain.on(ring);
  if (steps.capacity < 3) return;
  const position = page * PAGE_BYTES;
  const back = new Uint8Array(new SharedArrayBuffer(PAGE_BYTES));
  journal.begin(page, lease.bytes);
  lease.length = PAGE_BYTES;
  steps.write(file, lease, { position });
  steps.sync(file, { dataOnly: true });
  steps.read(file, back, { position });
  const results = await steps.run();
  check(results.join(' ') === `${PAGE_BYTES} 0 ${PAGE_BYTES}`, `a chain came to ${results.join(' ')}`);
  journal.end(page);
  checkPage(page, back);
}

/** A page in chunks, to the end or given up in the middle. */
async function stream({ file }: Session, page: number): Promise<void> {
  const found = new Uint8Array(new SharedArrayBuffer(PAGE_BYTES));
  const start = page * PAGE_BYTES;
  const giveUp = random(3) === 0;
  const range = { start, end: start + PAGE_BYTES - 1, chunkBytes: 512, readAhead: 1 + random(4) };
  let at = 0;
  for await (const chunk of file.chunks({ pool, ...range })) {
    check(chunk.position === start + at, `a chunk is at ${chunk.position}, expected at ${start + at}`);
    found.set(chunk.bytes, at);
    at += chunk.length;
    if (giveUp && at > 1024) return;
  }
  check(at === PAGE_BYTES, `chunks of ${at} bytes`);
  checkPage(page, found);
}

/** A connection to oneself, or to another lane that does the same. */
async function talk({ talking, listener }: Session): Promise<void> {
  const [host, { port }] = ['127.0.0.1', listener.address];
  const memory = new Uint8Array(new SharedArrayBuffer(2 * MESSAGE_BYTES));
  const [sent, received] = [memory.subarray(0, MESSAGE_BYTES).fill(7), memory.subarray(MESSAGE_BYTES)];
  const [client, server] = await Promise.all([TcpSocket.connect(talking, { host, port }), listener.accept()]);
  const receiving = server.recv(received, { inFull: true });
  check((await client.send(sent)) === MESSAGE_BYTES, 'a send was short');
  check((await receiving) === MESSAGE_BYTES, 'a receive in full was short');
  check(
    received.every((byte) => byte === 7),
    'other bytes were received than were sent',
  );
  await Promise.all([client.close(), server.close()]);
}

/** Another file, closed while what was asked of it is under way and in line. */
async function openAndClose({ ring }: Session, lease: Lease, page: number): Promise<void> {
  const file = await IoFile.open(ring, data.file, 'r');
  const reading = file.read(lease, { position: page * PAGE_BYTES });
  const closing = file.close();
  check((await reading) === PAGE_BYTES, 'a read before close was short');
  await closing;
  checkPage(page, lease.bytes);
}

async function step(session: Session): Promise<void> {
  const pages = takePages(random(4) === 0 ? 1 + random(8) : 1);
  const [page] = pages;
  if (page !== undefined) {
    const kind = random(16);
    if (pages.length > 1) await batch(session, pages);
    else if (kind === 15) await stream(session, page);
    else if (kind === 14) await talk(session);
    else {
      const lease = await pool.acquire();
      if (kind < 5) await write(session, page, lease);
      else if (kind < 8) await read(session, page, lease);
      else if (kind < 10) await chain(session, page, lease);
      else if (kind < 12) await vectors(session, page, lease);
      else if (kind === 12) await wait(session, lease);
      else if (random(2) === 0) await look(session);
      else await openAndClose(session, lease, page);
      lease.release();
    }
  }
  for (const each of pages) taken.delete(each);
  Atomics.add(data.count, 0, 1);
}

/** Lanes on one ring, which is then closed, and must be at rest. */
async function run(): Promise<void> {
  const opened = await open();
  const steps = 50 + random(500);
  let done = 0;
  const lane = async (): Promise<void> => {
    while (done++ < steps) await step(opened);
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  check(opened.ring.stats.inFlight === 0 && opened.ring.stats.waiting === 0, 'the ring is not at rest');
  await opened.ring.close();
  await opened.file.close();
  await opened.pipe?.close();
  await opened.listener.close();
  await opened.talking.close();
}

parentPort?.postMessage('begun');
for (;;) await run();
