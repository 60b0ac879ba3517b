import process from 'node:process';
import { describe, expect, test, vi } from 'vitest';
import {
  type ParkTicket,
  ParkTicketError,
  Parkable,
  ParkError,
  interrupt,
  isParked,
  park,
  parkAsync,
  parkState,
  resume,
} from '../src/experimental.ts';
import { loadNative } from '../src/native.ts';
import { native } from './native-mode.ts';
import { LONG_MS, ParkedWorker, turn, value } from './parked-worker.ts';

const STRANGER: ParkTicket = { pid: process.pid, slot: 1023, generation: 1 };

test.runIf(!native)('without the addon everything answers unsupported, with the reason', async () => {
  const answers = [Parkable.register(), park(STRANGER), await parkAsync(STRANGER), resume(STRANGER)];
  for (const answer of [...answers, parkState(STRANGER)]) {
    expect(answer.status).toBe('unsupported');
    expect(answer).toMatchObject({ reason: expect.stringContaining(loadNative().reason) });
  }
  expect(isParked(STRANGER)).toBe(false);
});

// A busy machine takes its time. Less than a park may last, so that it is not the time-out that ends it.
vi.setConfig({ testTimeout: 30_000 });

describe('what is no ticket and no option throws, with the addon and without', () => {
  test.each([
    [undefined, /expected an object, found undefined/],
    [null, /expected an object, found null/],
    [{}, /pid should be a number, found undefined/],
    [{ ...STRANGER, slot: '1' }, /slot should be a number, found string/],
    [{ ...STRANGER, slot: -1 }, /slot should be a whole number from 0, found -1/],
    [{ ...STRANGER, generation: Number.NaN }, /generation should be a whole number from 0, found NaN/],
    [{ ...STRANGER, park: 0.5 }, /park should be a whole number from 0, found 0.5/],
  ])('ticket %j', (ticket, message) => {
    for (const call of [park, resume, parkState, isParked]) {
      expect(() => call(ticket as ParkTicket)).toThrow(ParkTicketError);
      expect(() => call(ticket as ParkTicket)).toThrow(message);
    }
  });

  test.each([
    [{ timeoutMs: 0 }, 'timeoutMs'],
    [{ timeoutMs: 60_001 }, 'timeoutMs'],
    [{ timeoutMs: Number.POSITIVE_INFINITY }, 'timeoutMs'],
    [{ timeoutMs: '5' as unknown as number }, 'timeoutMs'],
    [{ requestTimeoutMs: Number.NaN }, 'requestTimeoutMs'],
    [{ requestTimeoutMs: 10_001 }, 'requestTimeoutMs'],
  ])('options %j', async (options, name) => {
    const error = { code: 'ERR_PLATFORM_OPTION', message: expect.stringContaining(name) };
    expect(() => park(STRANGER, options)).toThrow(expect.objectContaining(error));
    await expect(parkAsync(STRANGER, options)).rejects.toMatchObject(error);
  });

  test('a signal for the call that cannot hear it', () => {
    const options = { timeoutMs: 1, signal: AbortSignal.abort() };
    expect(() => park(STRANGER, options)).toThrow(/use parkAsync/);
  });
});

describe.runIf(native)('a parked worker', () => {
  test.each(['spin', 'wasm'] as const)(
    'at its work, which is to %s, stands still while others run, and goes on when it is resumed',
    async (work) => {
      await using worker = await ParkedWorker.start(work);
      await using witness = await ParkedWorker.start('spin');
      const parked = value(park(worker.ticket, { timeoutMs: LONG_MS }));
      expect(parked.latencyNs).toBeGreaterThan(0);
      const { steps } = worker;
      await witness.moves(100_000);
      expect(worker.steps).toBe(steps);
      expect(isParked(worker.ticket)).toBe(true);
      expect(value(parkState(worker.ticket))).toMatchObject({
        phase: 'parked',
        park: parked.park,
        ended: null,
      });
      const resumed = value(resume(parked));
      expect(resumed).toMatchObject({ wasParked: true, ended: 'resumed' });
      expect(resumed.parkedNs).toBeGreaterThan(0);
      await worker.moves();
      expect(isParked(worker.ticket)).toBe(false);
    },
  );

  test('resumes by itself after its time-out', async () => {
    await using worker = await ParkedWorker.start('spin');
    const parked = value(park(worker.ticket, { timeoutMs: 20 }));
    await worker.moves();
    const resumed = value(resume(parked));
    expect(resumed).toMatchObject({ wasParked: false, ended: 'timed-out' });
    expect(resumed.parkedNs).toBeGreaterThanOrEqual(20e6);
  });

  test('misses no notification', async () => {
    await using worker = await ParkedWorker.start('wait');
    const parked = value(park(worker.ticket, { timeoutMs: LONG_MS }));
    const { steps } = worker;
    Atomics.store(worker.words, 1, 1);
    Atomics.notify(worker.words, 1);
    const outcome = worker.next();
    value(resume(parked));
    expect(await outcome).toMatch(/ok|not-equal/);
    expect(worker.steps).toBe(steps + 1);
  });

  test('stands still though it runs no JavaScript, and gets its messages afterwards', async () => {
    await using worker = await ParkedWorker.start('idle');
    await using witness = await ParkedWorker.start('spin');
    for (const text of ['hello', 'again']) {
      const parked = value(park(worker.ticket, { timeoutMs: LONG_MS, requestTimeoutMs: 10_000 }));
      const { steps } = worker;
      const answer = worker.next();
      worker.say(text);
      await witness.moves(100_000);
      expect(worker.steps).toBe(steps);
      value(resume(parked));
      expect(await answer).toBe(text);
    }
  });

  test('leaves the garbage of others to be collected, and its own', async () => {
    await using worker = await ParkedWorker.start('litter');
    await using witness = await ParkedWorker.start('litter');
    for (let round = 0; round < 20; round++) {
      const parked = value(park(worker.ticket, { timeoutMs: LONG_MS }));
      await witness.moves(100);
      expect(value(resume(parked)).wasParked).toBe(true);
      await worker.moves();
    }
  });
});

describe.runIf(native)('a park', () => {
  test('is one at a time: while there is one, others are refused and change nothing', async () => {
    await using worker = await ParkedWorker.start('spin');
    const first = value(park(worker.ticket, { timeoutMs: LONG_MS }));
    expect(park(worker.ticket, { timeoutMs: 1 })).toMatchObject({ status: 'refused', errno: 'EBUSY' });
    expect(await parkAsync(worker.ticket)).toMatchObject({ status: 'refused', errno: 'EBUSY' });
    expect(value(parkState(worker.ticket))).toMatchObject({ phase: 'parked', park: first.park });
    expect(value(parkState(worker.ticket)).leftNs).toBeGreaterThan(1e9);
  });

  test('is not ended by the claim to an earlier one', async () => {
    await using worker = await ParkedWorker.start('spin');
    const first = value(park(worker.ticket, { timeoutMs: 1 }));
    await worker.moves();
    const second = value(park(worker.ticket, { timeoutMs: LONG_MS }));
    expect(value(resume(first))).toEqual({ wasParked: false, parkedNs: null, ended: null });
    expect(isParked(first)).toBe(false);
    expect(isParked(second)).toBe(true);
    expect(value(resume(worker.ticket)).wasParked).toBe(true);
  });

  test('without blocking is the same park', async () => {
    await using worker = await ParkedWorker.start('spin');
    const parked = value(await parkAsync(worker.ticket, { timeoutMs: LONG_MS, requestTimeoutMs: 10_000 }));
    expect(isParked(parked)).toBe(true);
    value(resume(parked));
    await worker.moves();
  });
});

describe.runIf(native)('a worker in the kernel', () => {
  test('is refused in time, is not parked later, and the caller runs on', async () => {
    await using worker = await ParkedWorker.start('read');
    await worker.sleeps();
    const refusal = { status: 'refused', errno: 'ETIMEDOUT', reason: expect.stringContaining('20 ms') };
    expect(park(worker.ticket, { requestTimeoutMs: 20, timeoutMs: LONG_MS })).toMatchObject(refusal);
    let turns = 0;
    const answer = parkAsync(worker.ticket, { requestTimeoutMs: 20, timeoutMs: LONG_MS });
    const counting = (async () => {
      for (let settled = false; !settled; turns++)
        settled = (await Promise.race([answer.then(() => true), turn()])) === true;
    })();
    expect(await answer).toMatchObject(refusal);
    await counting;
    expect(turns).toBeGreaterThan(2);
    expect(value(parkState(worker.ticket))).toMatchObject({ phase: 'running', park: 2, ended: 'withdrawn' });
    worker.release();
    await worker.moves(1000);
    expect(value(parkState(worker.ticket))).toMatchObject({ phase: 'running', park: 2, ended: 'withdrawn' });
    // What is left of those requests in V8's queue serves the next.
    value(resume(value(park(worker.ticket, { timeoutMs: LONG_MS }))));
  });

  test('is not parked by the request of somebody who is gone, and who comes next need not wait', async () => {
    await using worker = await ParkedWorker.start('read');
    await worker.sleeps();
    const { slot, generation } = worker.ticket;
    const { addon } = loadNative();
    expect(addon?.parkRequest(slot, generation, LONG_MS * 1e6, 1)).toBe(1);
    expect(addon?.parkRequest(slot, generation, LONG_MS * 1e6, 1)).toBe(2);
    worker.release();
    await worker.moves(1000);
    expect(value(parkState(worker.ticket))).toMatchObject({ phase: 'running', park: 2, ended: 'expired' });
  });

  test('is no longer waited for when the signal says so, or somebody withdraws the request', async () => {
    await using worker = await ParkedWorker.start('read');
    await worker.sleeps();
    const controller = new AbortController();
    const aborted = parkAsync(worker.ticket, { requestTimeoutMs: 10_000, signal: controller.signal });
    expect(value(parkState(worker.ticket)).phase).toBe('requested');
    controller.abort(new Error('enough'));
    await expect(aborted).rejects.toThrow('enough');
    expect(value(parkState(worker.ticket))).toMatchObject({ phase: 'running', ended: 'withdrawn' });
    await expect(parkAsync(worker.ticket, { signal: controller.signal })).rejects.toThrow('enough');

    const canceled = parkAsync(worker.ticket, { requestTimeoutMs: 10_000 });
    expect(value(resume(worker.ticket))).toEqual({ wasParked: false, parkedNs: 0, ended: 'withdrawn' });
    expect(await canceled).toMatchObject({ status: 'refused', errno: 'ECANCELED' });
    worker.release();
  });
});

describe.runIf(native)('registering', () => {
  test('is refused on the main thread, by C as well', () => {
    expect(Parkable.register()).toMatchObject({ status: 'refused', errno: 'EPERM' });
    expect(loadNative().addon?.parkRegister(new Uint32Array(1))).toBe(-1);
  });

  test('is unsupported where V8 cannot be asked', async () => {
    await using worker = await ParkedWorker.start('idle', false);
    expect(worker.ticket).toMatchObject({
      status: 'unsupported',
      reason: expect.stringContaining('RequestInterrupt'),
    });
  });

  test('twice gives one ticket, which lasts until the last disposal; a worker does not park itself', async () => {
    await using worker = await ParkedWorker.start('twice');
    worker.say('dispose');
    expect(await worker.next()).toMatchObject({ status: 'refused', errno: 'EDEADLK' });
    value(resume(value(park(worker.ticket, { timeoutMs: LONG_MS, requestTimeoutMs: 10_000 }))));
    worker.say('dispose');
    expect(await worker.next()).toMatchObject({ status: 'refused', errno: 'ESRCH' });
    expect(park(worker.ticket)).toMatchObject({ status: 'refused', errno: 'ESRCH' });
  });
});

describe.runIf(native)('a ticket', () => {
  test.each([
    ['of no registration', STRANGER],
    ['of another process', { ...STRANGER, pid: 1 }],
    ['beyond the table', { ...STRANGER, slot: 2 ** 40 }],
    ['of generation 0, which free slots have', { ...STRANGER, generation: 0 }],
  ])('%s is refused', (_, ticket) => {
    for (const answer of [park(ticket), resume(ticket), parkState(ticket)])
      expect(answer).toMatchObject({ status: 'refused', errno: 'ESRCH' });
    expect(isParked(ticket)).toBe(false);
  });

  test('of a worker that has ended is refused, and so it stays when its slot has a new owner', async () => {
    let ticket: ParkTicket;
    {
      await using worker = await ParkedWorker.start('spin');
      ({ ticket } = worker);
    }
    expect(park(ticket)).toMatchObject({ status: 'refused', errno: 'ESRCH' });
    await using next = await ParkedWorker.start('spin');
    expect(next.ticket.slot).toBe(ticket.slot);
    expect(park(ticket)).toMatchObject({ status: 'refused', errno: 'ESRCH' });
    expect(isParked(next.ticket)).toBe(false);
  });
});

test('as a port, a refusal throws with its reason', async () => {
  const errno = native ? 'EPERM' : null;
  expect(() => interrupt.register()).toThrow(ParkError);
  expect(() => interrupt.register()).toThrow(expect.objectContaining({ code: 'ERR_PARK', errno }));
  await expect(interrupt.park(STRANGER, { maxMs: 10 })).rejects.toMatchObject({
    code: 'ERR_PARK',
    errno: native ? 'ESRCH' : null,
  });
  await expect(interrupt.park({}, { maxMs: 10 })).rejects.toThrow(ParkTicketError);
  await expect(interrupt.park(STRANGER, { maxMs: 0 })).rejects.toMatchObject({ code: 'ERR_PLATFORM_OPTION' });
});

test.runIf(native)('as a port, a worker stands still until it is resumed, or for maxMs', async () => {
  await using worker = await ParkedWorker.start('spin');
  const parked = await interrupt.park(worker.ticket, { maxMs: LONG_MS });
  expect(isParked(worker.ticket)).toBe(true);
  expect(parked.resume()).toBeGreaterThan(0);
  await worker.moves();
  await interrupt.park(worker.ticket, { maxMs: 20 });
  await worker.moves();
});
