import { describe, expect, it } from 'vitest';
import { Fixture } from './gateway-fixture.ts';

/** A gateway with short patience. */
const IMPATIENT = { headersTimeoutMs: 300, requestTimeoutMs: 600 };

async function expectAllBack(f: Fixture): Promise<void> {
  await f.until(() => f.freeBuffers === f.gateway.pool.capacity);
  await f.gateway.settled();
  expect((await f.send()).status).toBe(202);
}

describe('hostile senders', () => {
  it('who send their headers byte by byte lose the connection', async () => {
    const f = await Fixture.shared(IMPATIENT);
    const slow = await f.raw();
    slow.write('POST /hooks/github/push HTTP/1.1\r\nhost: x\r\nx-slow: ');
    await slow.closed;
    expect(slow.received).toContain('HTTP/1.1 408');
    await expectAllBack(f);
  });

  it('who send their body byte by byte lose the connection, and their buffer comes back', async () => {
    const f = await Fixture.start(IMPATIENT);
    const slow = await f.raw();
    slow.write(`${f.head('{"slow":true}')}{"slow`);
    await f.until(() => f.freeBuffers === f.gateway.pool.capacity - 1);
    await slow.closed;
    await expectAllBack(f);
    expect(f.gateway.books().aborted).toBe(1);
    expect(f.upstream.totals().received).toBe(1);
  });

  it('who go away in the middle of the body are counted, and their buffers come back', async () => {
    const f = await Fixture.start({ buffers: 32 });
    const senders = await Promise.all(Array.from({ length: 8 }, () => f.raw()));
    for (const sender of senders) sender.write(`${f.head('{"gone":true}')}{"gone`);
    await f.until(() => f.freeBuffers === f.gateway.pool.capacity - 8);
    for (const sender of senders) sender.socket.resetAndDestroy();
    await expectAllBack(f);
    expect(f.gateway.books().aborted).toBe(8);
    expect(f.gateway.books().checks.submitted).toBe(1);
  });

  it('who are slow hold half of the buffers at most, however many they are: the oldest is cut, and good senders always find one', async () => {
    const f = await Fixture.start({ workers: 1, buffers: 16 });
    const strangers = await Promise.all(Array.from({ length: 40 }, () => f.raw()));
    const drip = `${f.head('{"slow":true}', { 'x-hub-signature-256': 'sha256=0' })}{"slow`;
    for (const [i, stranger] of strangers.entries()) {
      stranger.write(drip);
      await f.until(() => f.freeBuffers === 16 - Math.min(i + 1, 8));
    }
    // 32 were cut, in the order in which they came, and told why.
    for (const cut of strangers.slice(0, 32)) await cut.until(/overloaded/);
    expect(strangers.slice(32).map(({ received }) => received)).toEqual(Array.from({ length: 8 }, () => ''));
    const answers = await Promise.all(Array.from({ length: 4 }, () => f.send()));
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202, 202]);
    expect(f.gateway.books().answers()).toMatchObject({ accepted: 4, broken: 0 });
    for (const { socket } of strangers) socket.destroy();
    await expectAllBack(f);
  });

  it('who announce more than they send are cut off in time; nothing is delivered', async () => {
    const f = await Fixture.shared(IMPATIENT);
    const { received } = f.upstream.totals();
    const liar = await f.raw();
    liar.write(`${f.head('{"a":1}', { 'content-length': '100' })}{"a":1}`);
    await liar.closed;
    await expectAllBack(f);
    expect(f.upstream.totals().received).toBe(received + 1);
  });

  it('who announce less than they send have the rest taken for a bad request', async () => {
    const f = await Fixture.shared();
    const liar = await f.raw();
    liar.write(`${f.head('{"a":1}')}{"a":1}and more\r\n\r\n`);
    await liar.closed;
    expect(liar.received).toMatch(/^HTTP\/1\.1 (202|400)/);
    expect(liar.received).toContain('HTTP/1.1 400 Bad Request');
    await expectAllBack(f);
  });

  it('with conflicting or nonsensical lengths are refused by the parser', async () => {
    const f = await Fixture.shared();
    for (const lengths of [
      'content-length: 5\r\ncontent-length: 6',
      'content-length: -1',
      'content-length: 5\r\ntransfer-encoding: chunked',
    ]) {
      const liar = await f.raw();
      liar.write(`POST /hooks/github/push HTTP/1.1\r\nhost: x\r\n${lengths}\r\n\r\nhello`);
      await liar.closed;
      expect(liar.received).toContain('HTTP/1.1 400');
    }
    await expectAllBack(f);
  });

  it('with headers beyond 16 KiB get 431', async () => {
    const f = await Fixture.shared();
    const large = await f.raw();
    large.write(f.head('{}', { 'x-large': 'x'.repeat(20_000) }));
    await large.closed;
    expect(large.received).toContain('HTTP/1.1 431');
    await expectAllBack(f);
  });

  it('with a chunked body that does not fit get 413 and, where it never ends, lose the connection', async () => {
    const f = await Fixture.start({ maxBodyBytes: 4096 });
    const head = f.head('').replace(/content-length: 0\r\n/, 'transfer-encoding: chunked\r\n');
    const finite = await f.raw();
    finite.write(`${head}2000\r\n${'x'.repeat(0x2000)}\r\n0\r\n\r\n`);
    await finite.until(/too large/);
    expect(finite.received).toContain('HTTP/1.1 413');
    // Its body had an end: the connection goes on.
    finite.write(`${f.head('{}')}{}`);
    await finite.until(/HTTP\/1\.1 202/);
    finite.socket.destroy();
    const endless = await f.raw();
    endless.write(head);
    const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`;
    const feed = setInterval(() => endless.socket.writable && endless.write(chunk.repeat(4)), 1);
    await endless.closed;
    clearInterval(feed);
    // Whether it still reads the answer is its own affair: a connection that is cut in the middle of sending may lose it.
    expect(f.gateway.books().answers().tooLarge).toBe(2);
    await expectAllBack(f);
  });

  it('do not keep the gateway from closing', async () => {
    const f = await Fixture.start({ requestTimeoutMs: 400, headersTimeoutMs: 300 });
    const idle = await f.raw();
    const half = await f.raw();
    half.write(`${f.head('{"slow":true}')}{"slow`);
    await f.until(() => f.freeBuffers === f.gateway.pool.capacity - 1);
    await f.gateway.close();
    await Promise.all([idle.closed, half.closed]);
    expect(f.freeBuffers).toBe(f.gateway.pool.capacity);
  });
});
