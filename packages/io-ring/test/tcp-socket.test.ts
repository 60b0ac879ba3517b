import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { TcpListener, TcpSocket } from '../src/index.ts';
import { listenerOf, pairOf, peerOf } from './connections.ts';
import { ringOf, shared, turn } from './files.ts';
import { native } from './native-mode.ts';
import { poolOf } from './pools.ts';

function bytes(text: string): Uint8Array {
  const view = shared(Buffer.byteLength(text));
  Buffer.from(text).copy(view);
  return view;
}

test('what one end sends the other receives, both ways, and each knows where the other is', async () => {
  const { ring, here, there, listener } = await pairOf();
  expect(ring.backend.kind).toBe(native ? 'io_uring' : 'fs');
  const memory = shared(100);
  const [sent, received] = await Promise.all([here.send(bytes('hello')), there.recv(memory)]);
  expect([sent, received]).toEqual([5, 5]);
  expect(Buffer.from(memory.subarray(0, 5)).toString()).toBe('hello');
  await there.send(bytes('good morning'));
  expect(await here.recv(memory, { inFull: true, length: 12 })).toBe(12);
  expect(Buffer.from(memory.subarray(0, 12)).toString()).toBe('good morning');
  expect([here.bytesSent, here.bytesReceived, there.bytesSent, there.bytesReceived]).toEqual([5, 12, 12, 5]);
  expect(there.remotePort).toBe(here.localPort);
  expect(here.remotePort).toBe(listener.address.port);
  expect([here.remoteAddress, here.localAddress]).toEqual(['127.0.0.1', '127.0.0.1']);
});

test('IP version 6 works as version 4 does, and a listener on all addresses takes both', async ({ skip }) => {
  const ring = ringOf();
  const listener = await TcpListener.listen(ring);
  if (listener.address.family === 'IPv4') {
    await listener.close();
    skip('no IP version 6 on this machine');
  }
  expect(listener.address).toMatchObject({ address: '::', family: 'IPv6' });
  expect(listener.address.port).toBeGreaterThan(0);
  const { port } = listener.address;
  for (const [host, seen] of [
    ['::1', '::1'],
    ['127.0.0.1', '::ffff:127.0.0.1'],
  ] as const) {
    const [here, there] = await Promise.all([TcpSocket.connect(ring, { host, port }), listener.accept()]);
    expect([here.remoteAddress, there.remoteAddress]).toEqual([host, seen]);
    await Promise.all([here.close(), there.close()]);
  }
  await listener.close();
  const six = await TcpListener.listen(ring, { host: '::', port: 0, ipv6Only: true });
  await expect(TcpSocket.connect(ring, { host: '127.0.0.1', port: six.address.port })).rejects.toMatchObject({
    code: 'ECONNREFUSED',
  });
  await six.close();
});

test('a name is looked up, and each of its addresses tried', async () => {
  const ring = ringOf();
  const listener = await listenerOf(ring);
  const [here, there] = await Promise.all([
    TcpSocket.connect(ring, { host: 'localhost', port: listener.address.port, noDelay: true }),
    listener.accept(),
  ]);
  expect(here.remotePort).toBe(listener.address.port);
  await Promise.all([here.close(), there.close()]);
  await expect(TcpSocket.connect(ring, { host: 'no.such.name.invalid', port: 1 })).rejects.toMatchObject({
    syscall: 'getaddrinfo',
  });
  const named = await TcpListener.listen(ring, { host: 'localhost' });
  expect(['127.0.0.1', '::1']).toContain(named.address.address);
  await named.close();
});

test('an end that has sent all still receives; the other finds the end, every time it asks', async () => {
  const { here, there } = await pairOf();
  await here.send(bytes('last words'));
  await here.shutdown();
  const memory = shared(100);
  expect(await there.recv(memory, { inFull: true })).toBe(10);
  expect(await there.recv(memory)).toBe(0);
  expect(await there.recv(memory)).toBe(0);
  await expect(here.send(bytes('more'))).rejects.toMatchObject({ code: 'EPIPE', syscall: 'send' });
  expect(await there.send(bytes('answer'))).toBe(6);
  expect(await here.recv(memory)).toBe(6);
});

test('half-closing goes both ways with node:net at the other end', async () => {
  const { here, peer } = await peerOf();
  const memory = shared(100);
  peer.end('question');
  expect(await here.recv(memory, { inFull: true })).toBe(8);
  await here.send(bytes('answer'));
  await here.shutdown();
  const chunks: Buffer[] = [];
  peer.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(peer, 'end');
  expect(Buffer.concat(chunks).toString()).toBe('answer');
});

test('a big transfer to a slow reader arrives as it was sent, and is not buffered on the way', async () => {
  const BYTES = 24 << 20;
  const { here, there } = await pairOf();
  const source = shared(BYTES);
  Buffer.from(randomBytes(BYTES)).copy(source);
  let done = false;
  const sending = here.send(source).then((sent) => {
    done = true;
    return sent;
  });
  for (let round = 0; round < 200; round++) await turn();
  expect(done).toBe(false); // nobody reads, and buffers of the system are smaller
  expect(here.bytesSent).toBeLessThan(BYTES);
  const memory = shared(100_003);
  let received = 0;
  while (received < BYTES) {
    const count = await there.recv(memory);
    if (count === 0) break;
    if (Buffer.compare(memory.subarray(0, count), source.subarray(received, received + count)) !== 0)
      throw new Error(`differs between ${received} and ${received + count}`);
    received += count;
    if (received % 7 === 0) await turn();
  }
  expect([received, await sending, here.bytesSent]).toEqual([BYTES, BYTES, BYTES]);
});

test('what nobody asks for stays in the kernel: who sends has to wait', async () => {
  const { here, peer } = await peerOf();
  peer.write(Buffer.alloc(32 << 20));
  for (let round = 0; round < 100; round++) await turn();
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(peer.writableLength).toBeGreaterThan(1 << 20);
  expect(here.bytesReceived).toBe(0);
});

test('sixteen messages in a row are received as one stream, in order', async () => {
  const { here, there } = await pairOf();
  const memory = shared(16 * 1000);
  const receiving = there.recv(memory, { inFull: true });
  for (let message = 0; message < 16; message++) await here.send(shared(1000).fill(message));
  expect(await receiving).toBe(16_000);
  expect(memory.every((value, index) => value === Math.floor(index / 1000))).toBe(true);
});

test('one receive and one send at a time: another is refused, and disturbs nobody', async () => {
  const { here, there } = await pairOf();
  const memory = shared(4);
  const receiving = there.recv(memory);
  await expect(there.recv(memory)).rejects.toMatchObject({ code: 'ERR_SOCKET_BUSY' });
  const big = shared(16 << 20);
  const sending = here.send(big);
  await expect(here.send(memory)).rejects.toMatchObject({ code: 'ERR_SOCKET_BUSY' });
  await expect(here.shutdown()).rejects.toMatchObject({ code: 'ERR_SOCKET_BUSY' });
  expect(await receiving).toBe(4);
  let left = big.length - 4;
  while (left > 0) left -= await there.recv(big.subarray(0, Math.min(left, 1 << 20)));
  expect(await sending).toBe(big.length);
});

test('options of a connection are set, and survive nonsense', async () => {
  const { here } = await pairOf({ noDelay: true });
  here.setNoDelay();
  here.setNoDelay(false);
  here.setKeepAlive(true, 5000);
  here.setKeepAlive(false);
  for (const idleMs of [0, -1, Number.NaN, 1e12])
    expect(() => here.setKeepAlive(true, idleMs)).toThrow(
      expect.objectContaining({ code: 'ERR_IO_ARGUMENT' }),
    );
});

test('arguments that make no sense are refused, and leave everything as it was', async () => {
  const { ring, here, there } = await pairOf();
  const refused = expect.objectContaining({ code: 'ERR_IO_ARGUMENT' });
  for (const options of [
    { port: -1 },
    { port: 65_536 },
    { port: 1.5 },
    { port: '80' },
    { host: '' },
    { host: 'a\0b' },
    { host: 7 },
    { host: 'x'.repeat(300) },
    { backlog: 0 },
    { backlog: 1e9 },
    { backlog: Number.NaN },
    { reusePort: 1 },
    { ipv6Only: 'no' },
    { noDelay: null },
  ])
    // prettier-ignore
    await expect(TcpListener.listen(ring, options as object)).rejects.toEqual(refused);
  for (const options of [
    {},
    { port: 0 },
    { port: 70_000 },
    { port: 80, host: {} },
    { port: 80, host: '::1', noDelay: 1 },
  ])
    await expect(TcpSocket.connect(ring, options as { port: number })).rejects.toEqual(refused);
  await expect(
    TcpSocket.connect(ring, { port: 80, host: 'fe80::1%no_such_interface' }),
  ).rejects.toBeInstanceOf(Error);
  await expect(here.recv(shared(0))).rejects.toEqual(refused);
  await expect(here.recv('text' as unknown as Uint8Array)).rejects.toEqual(refused);
  await expect(here.recv(new Uint8Array(4))).rejects.toMatchObject({ code: 'ERR_IO_MEMORY' });
  await expect(here.send(new Uint8Array(4))).rejects.toMatchObject({ code: 'ERR_IO_MEMORY' });
  await expect(here.send(bytes('a'), { timeoutMs: -1 })).rejects.toEqual(refused);
  await expect(here.recv(shared(1), { signal: AbortSignal.abort(new Error('no')) })).rejects.toThrow('no');
  expect(await here.send(shared(0))).toBe(0);
  const [, received] = await Promise.all([here.send(bytes('fine')), there.recv(shared(9))]);
  expect(received).toBe(4);
});

test('leases are the kernel’s while they are sent from and received into', async () => {
  const pool = poolOf();
  const { here, there } = await pairOf();
  const lease = await pool.acquire();
  const receiving = there.recv(lease);
  expect(() => lease.bytes).toThrow(/kernel/);
  const out = await pool.acquire();
  out.bytes.set(Buffer.from('leased'));
  out.length = 6;
  expect(await here.send(out)).toBe(6);
  expect(await receiving).toBe(6);
  expect(lease.length).toBe(6);
  expect(Buffer.from(lease.bytes.subarray(0, 6)).toString()).toBe('leased');
  lease.release();
  out.release();
});
