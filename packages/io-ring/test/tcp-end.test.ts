/** Connections and listeners that end: refused, reset, aborted, closed. */
import { expect, onTestFinished, test } from 'vitest';
import { IoRing, OperationTimeoutError, TcpListener, TcpSocket } from '../src/index.ts';
import { freePort, listenerOf, pairOf, peerOf, silentPort, sockets } from './connections.ts';
import { ringOf, shared, turn } from './files.ts';
import { native } from './native-mode.ts';

const CLOSED = { code: 'ERR_RING_CLOSED' };

test('connecting where nobody listens is refused, and says where', async () => {
  const ring = ringOf();
  const port = await freePort();
  await expect(TcpSocket.connect(ring, { host: '127.0.0.1', port })).rejects.toMatchObject({
    code: 'ECONNREFUSED',
    syscall: 'connect',
    message: `connect failed with ECONNREFUSED: "127.0.0.1:${port}"`,
  });
  await expect(TcpSocket.connect(ring, { host: 'localhost', port })).rejects.toMatchObject({
    code: 'ECONNREFUSED',
  });
  expect(ring.stats.inFlight).toBe(0);
});

test('an address that is in use, or not of this machine, is refused; two may share a port if both say so', async () => {
  const ring = ringOf();
  const { address } = await listenerOf(ring);
  await expect(TcpListener.listen(ring, { host: '127.0.0.1', port: address.port })).rejects.toMatchObject({
    code: 'EADDRINUSE',
    path: `127.0.0.1:${address.port}`,
  });
  await expect(TcpListener.listen(ring, { host: '192.0.2.1' })).rejects.toMatchObject({
    code: 'EADDRNOTAVAIL',
  });
  const one = await TcpListener.listen(ring, { host: '127.0.0.1', reusePort: true });
  const two = await TcpListener.listen(ring, { host: '127.0.0.1', port: one.address.port, reusePort: true });
  expect(two.address).toEqual(one.address);
  await Promise.all([one.close(), two.close()]);
});

test('a port is free again as soon as its listener is closed, also with accepts in flight', async () => {
  const ring = ringOf();
  let port = 0;
  for (let round = 0; round < 20; round++) {
    const listener = await TcpListener.listen(ring, { host: '127.0.0.1', port });
    ({ port } = listener.address);
    const accepting = [listener.accept(), listener.accept()];
    for (const accept of accepting) accept.catch(() => {});
    if (round % 2 === 0) await turn();
    await Promise.all([listener.close(), listener.close()]);
    for (const accept of accepting) await expect(accept).rejects.toMatchObject(CLOSED);
    await expect(listener.accept()).rejects.toMatchObject({ ...CLOSED, message: 'the listener is closed' });
  }
  expect(ring.stats.inFlight).toBe(0);
});

test('a peer that resets the connection is an error of who receives and of who sends', async () => {
  const { here, peer } = await peerOf();
  const receiving = here.recv(shared(10));
  await turn();
  peer.resetAndDestroy();
  await expect(receiving).rejects.toMatchObject({ code: 'ECONNRESET', syscall: 'recv' });
  expect(await here.recv(shared(10))).toBe(0); // told once
  await expect(here.send(shared(10))).rejects.toMatchObject({ code: 'EPIPE' });
});

test('a send that a slow peer holds up ends when that peer resets', async () => {
  const { here, peer } = await peerOf();
  const sending = here.send(shared(32 << 20));
  await turn();
  peer.resetAndDestroy();
  await expect(sending).rejects.toMatchObject({ syscall: 'send' });
  expect(await sending.catch((error: { code: string }) => error.code)).toMatch(/^(ECONNRESET|EPIPE)$/);
  expect(here.bytesSent).toBeLessThan(32 << 20);
});

test('closing with reset is seen by the peer as a reset', async () => {
  const { here, peer } = await peerOf();
  peer.resume();
  await turn();
  await here.close({ reset: true });
  await new Promise((resolve) => peer.once('close', resolve));
  expect(peer.errored).toMatchObject({ code: 'ECONNRESET' });
});

test('aborted accepts, receives and connects end with the reason; what comes later is for the next', async () => {
  const { ring, listener, here, there } = await pairOf();
  const reason = new Error('enough');
  const controller = new AbortController();
  const { signal } = controller;
  const memory = shared(10);
  const all = [
    listener.accept({ signal }),
    there.recv(memory, { signal }),
    here.recv(memory, { signal, inFull: true }),
  ];
  const settled = Promise.allSettled(all);
  await turn();
  controller.abort(reason);
  for (const outcome of await settled) expect(outcome).toEqual({ status: 'rejected', reason });
  await expect(TcpSocket.connect(ring, { port: 1, host: '127.0.0.1', signal })).rejects.toBe(reason);
  await expect(TcpSocket.connect(ring, { port: 1, host: 'localhost', signal })).rejects.toBe(reason);
  await here.send(shared(3).fill(7));
  expect(await there.recv(memory)).toBe(3);
  const [next, accepted] = await Promise.all([
    TcpSocket.connect(ring, { port: listener.address.port, host: '127.0.0.1' }),
    listener.accept(),
  ]);
  expect(accepted.remotePort).toBe(next.localPort);
  await Promise.all([next.close(), accepted.close()]);
});

test('time-outs end what waits, and nothing is lost by it', async () => {
  const { listener, here, there } = await pairOf();
  await expect(listener.accept({ timeoutMs: 5 })).rejects.toBeInstanceOf(OperationTimeoutError);
  const memory = shared(10);
  await expect(there.recv(memory, { timeoutMs: 5 })).rejects.toMatchObject({ timeoutMs: 5 });
  await here.send(shared(4).fill(1));
  expect(await there.recv(memory, { timeoutMs: 5000 })).toBe(4);
});

test('a receive in full that is cut short says so, and what came is counted', async () => {
  const { here, there } = await pairOf();
  const memory = shared(10);
  await here.send(shared(4).fill(9));
  await expect(there.recv(memory, { inFull: true, timeoutMs: 20 })).rejects.toBeInstanceOf(
    OperationTimeoutError,
  );
  expect(there.bytesReceived).toBe(4);
  expect([...memory.subarray(0, 5)]).toEqual([9, 9, 9, 9, 0]);
});

test('a send that is cut short says so, and how far it came', async ({ skip }) => {
  if (!native) skip('what node:net has begun to write cannot be taken back');
  const { here, there } = await pairOf();
  const BYTES = 32 << 20;
  await expect(here.send(shared(BYTES).fill(3), { timeoutMs: 20 })).rejects.toBeInstanceOf(
    OperationTimeoutError,
  );
  expect(here.bytesSent).toBeGreaterThan(0);
  expect(here.bytesSent).toBeLessThan(BYTES);
  await here.shutdown();
  const memory = shared(BYTES);
  expect(await there.recv(memory, { inFull: true })).toBe(here.bytesSent);
});

test('connecting to who does not answer is aborted, times out, and ends with its ring', async () => {
  const port = await silentPort();
  const ring = ringOf();
  const waiting = Array.from({ length: 8 }, () => TcpSocket.connect(ring, { host: '127.0.0.1', port }));
  for (const connect of waiting) connect.catch(() => {}); // some find room in its line
  await turn();
  const before = sockets();
  await expect(TcpSocket.connect(ring, { host: '127.0.0.1', port, timeoutMs: 30 })).rejects.toBeInstanceOf(
    OperationTimeoutError,
  );
  const controller = new AbortController();
  const { signal } = controller;
  const aborted = TcpSocket.connect(ring, { host: '127.0.0.1', port, signal });
  await turn();
  controller.abort(new Error('enough'));
  await expect(aborted).rejects.toThrow('enough');
  expect(sockets()).toBe(before);
  const last = TcpSocket.connect(ring, { host: '127.0.0.1', port });
  last.catch(() => {});
  await turn();
  await ring.close();
  await expect(last).rejects.toMatchObject(CLOSED);
  for (const outcome of await Promise.allSettled(waiting))
    if (outcome.status === 'fulfilled') await outcome.value.close();
});

test('a look-up is aborted and times out with the rest', async () => {
  const ring = ringOf();
  await expect(TcpSocket.connect(ring, { host: 'localhost', port: 9, timeoutMs: 0 })).rejects.toMatchObject({
    code: expect.stringMatching(/^(ERR_OPERATION_TIMEOUT|ECONNREFUSED)$/) as string,
  });
  const reason = new Error('enough');
  const signal = AbortSignal.abort(reason);
  await expect(TcpSocket.connect(ring, { host: 'localhost', port: 9, signal })).rejects.toBe(reason);
});

test('closing a connection ends what is in flight on it, and the peer finds the end', async () => {
  const { here, there } = await pairOf();
  const receiving = here.recv(shared(10));
  const sending = here.send(shared(32 << 20));
  const settled = Promise.allSettled([receiving, sending]);
  await turn();
  await Promise.all([here.close(), here.close()]);
  for (const outcome of await settled)
    expect(outcome).toMatchObject({
      status: 'rejected',
      reason: { ...CLOSED, message: 'the socket is closed' },
    });
  for (const late of [here.recv(shared(1)), here.send(shared(1)), here.shutdown()])
    await expect(late).rejects.toMatchObject(CLOSED);
  expect(() => here.setNoDelay()).toThrow('the socket is closed');
  const memory = shared(1 << 20);
  let count = 1;
  while (count > 0) count = await there.recv(memory);
  expect(count).toBe(0);
});

test('closing the ring ends what is in flight; sockets are closed afterwards as well', async () => {
  const ring = IoRing.open();
  const listener = await TcpListener.listen(ring, { host: '127.0.0.1' });
  const { port } = listener.address;
  const [here, there] = await Promise.all([
    TcpSocket.connect(ring, { port, host: '127.0.0.1' }),
    listener.accept(),
  ]);
  const settled = Promise.allSettled([listener.accept(), here.recv(shared(5)), here.send(shared(32 << 20))]);
  await turn();
  await ring.close();
  for (const outcome of await settled) expect(outcome).toMatchObject({ status: 'rejected', reason: CLOSED });
  await Promise.all([here.close(), there.close(), listener.close()]);
  await expect(here.recv(shared(1))).rejects.toMatchObject(CLOSED);
  await expect(TcpListener.listen(ring)).rejects.toMatchObject({ ...CLOSED, message: 'the ring is closed' });
  await expect(TcpSocket.connect(ring, { host: '127.0.0.1', port })).rejects.toMatchObject(CLOSED);
  await (await TcpListener.listen(ringOf(), { host: '127.0.0.1', port })).close(); // nobody has it any more
});

test('iterating over a listener gives its connections, and ends when it is closed', async () => {
  const ring = ringOf();
  const listener = await listenerOf(ring);
  const { port } = listener.address;
  const ends = await Promise.all(
    Array.from({ length: 30 }, () => TcpSocket.connect(ring, { port, host: '127.0.0.1' })),
  );
  const ports = new Set<number>();
  for await (const socket of listener) {
    ports.add(socket.remotePort ?? 0);
    await socket.close();
    if (ports.size === 30) void listener.close();
  }
  expect(ports).toEqual(new Set(ends.map(({ localPort }) => localPort)));
  await Promise.all(ends.map((end) => end.close()));
});

test('a timer fires while a loop of awaited sends and receives runs', async () => {
  const { here, there } = await pairOf({ noDelay: true });
  const fired = new AbortController();
  setTimeout(() => fired.abort(), 5);
  const until = Date.now() + 5000;
  const memory = shared(64);
  while (!fired.signal.aborted && Date.now() < until) {
    await here.send(memory);
    await there.recv(memory, { inFull: true });
  }
  expect(fired.signal.aborted).toBe(true);
});

test('thousands of receives that are aborted lose no byte and leave no slot', async () => {
  const { ring, here, there } = await pairOf({ noDelay: true });
  const memory = shared(64);
  let sent = 0;
  for (let round = 0; round < 1000; round++) {
    const controller = new AbortController();
    const receiving = there.recv(memory, { signal: controller.signal, inFull: round % 3 === 0, length: 8 });
    const outcome = receiving.then(
      () => 'came',
      () => 'aborted',
    );
    if (round % 2 === 0) sent += await here.send(memory, { length: 1 + (round % 7) });
    if (round % 5 === 0) await turn();
    controller.abort();
    await outcome;
  }
  while (there.bytesReceived < sent) await there.recv(memory);
  expect([there.bytesReceived, here.bytesSent]).toEqual([sent, sent]);
  expect(ring.stats.inFlight).toBe(0);
});

test('a connection that is gone may be used as often as one likes: nothing is kept of it', async () => {
  const warnings: string[] = [];
  const note = ({ message }: Error): void => void warnings.push(message);
  process.on('warning', note);
  onTestFinished(() => void process.off('warning', note));
  const { here, peer } = await peerOf();
  peer.resetAndDestroy();
  await expect(here.recv(shared(8))).rejects.toMatchObject({ code: 'ECONNRESET' });
  for (let count = 0; count < 20; count++) {
    expect(await here.recv(shared(8))).toBe(0);
    await expect(here.send(shared(8))).rejects.toMatchObject({ code: 'EPIPE' });
  }
  await turn();
  expect(warnings).toEqual([]);
});
