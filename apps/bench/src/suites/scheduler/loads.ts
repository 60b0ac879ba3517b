// What is done with a contestant. Each counts the tasks whose result was the right one.
import type { Latencies } from './latencies.ts';
import type { Contestant } from './contestant.ts';
import type { Payload } from './payloads.ts';

/** Keeps `inFlight` tasks under way until so many have been done. The loop itself is as little as can be: it is in every figure. */
export async function doubles(contestant: Contestant, operations: number, inFlight: number): Promise<number> {
  if (contestant.doubleMany !== undefined) return lists(contestant.doubleMany, operations, inFlight);
  if (contestant.doubleThen !== undefined) return callbacks(contestant.doubleThen, operations, inFlight);
  let next = 0;
  let successful = 0;
  const lane = async (): Promise<void> => {
    while (next < operations) {
      const n = next++;
      if ((await contestant.double(n)) === 2 * n) successful++;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  return successful;
}

/** The same until it is told to end. */
export async function doublesUntil(
  contestant: Contestant,
  inFlight: number,
  isOver: () => boolean,
): Promise<{ submitted: number; successful: number }> {
  let next = 0;
  let successful = 0;
  const lane = async (): Promise<void> => {
    while (!isOver()) {
      const n = next++;
      if ((await contestant.double(n)) === 2 * n) successful++;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  return { submitted: next, successful };
}

/** As `doubles`, half of them in one list, half in another. */
async function lists(
  doubleMany: NonNullable<Contestant['doubleMany']>,
  operations: number,
  inFlight: number,
): Promise<number> {
  let next = 0;
  let successful = 0;
  const length = Math.ceil(inFlight / 2);
  const lane = async (): Promise<void> => {
    while (next < operations) {
      const first = next;
      next = Math.min(operations, first + length);
      const list: number[] = [];
      for (let n = first; n < next; n++) list.push(n);
      const results = await doubleMany(list);
      for (let i = 0; i < list.length; i++) if (results[i] === 2 * (first + i)) successful++;
    }
  };
  await Promise.all([lane(), lane()]);
  return successful;
}

/** As `doubles`, each followed by the next in its callback. */
function callbacks(
  doubleThen: NonNullable<Contestant['doubleThen']>,
  operations: number,
  inFlight: number,
): Promise<number> {
  return new Promise((resolve, reject) => {
    let next = 0;
    let left = operations;
    let successful = 0;
    const submit = (): void => {
      if (next >= operations) return;
      const n = next++;
      doubleThen(
        n,
        (result) => {
          if (result === 2 * n) successful++;
          if (--left === 0) resolve(successful);
          else submit();
        },
        reject,
      );
    };
    for (let i = 0; i < inFlight; i++) submit();
  });
}

/** The same with bytes, each in turn. */
export async function digests(
  contestant: Contestant,
  operations: number,
  inFlight: number,
  payloads: readonly Payload[],
): Promise<number> {
  let next = 0;
  let successful = 0;
  const lane = async (): Promise<void> => {
    while (next < operations) {
      const { bytes, digest } = payloads[next++ % payloads.length] as Payload;
      if ((await contestant.digest(bytes)) === digest) successful++;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  return successful;
}

/** One task after the other, each of them timed. */
export async function singly(
  contestant: Contestant,
  operations: number,
  latencies: Latencies,
): Promise<number> {
  let successful = 0;
  let before = performance.now();
  for (let n = 0; n < operations; n++) {
    if ((await contestant.double(n)) === 2 * n) successful++;
    const after = performance.now();
    latencies.add(after - before);
    before = after;
  }
  return successful;
}

/** As `singly`, each after this thread has slept for so long since the last one began: everybody has gone to sleep. */
export async function paced(
  contestant: Contestant,
  operations: number,
  everyMs: number,
  latencies: Latencies,
): Promise<number> {
  const nap = new Int32Array(new SharedArrayBuffer(4));
  let successful = 0;
  for (let n = 0; n < operations; n++) {
    const before = performance.now();
    if ((await contestant.double(n)) === 2 * n) successful++;
    const tookMs = performance.now() - before;
    latencies.add(tookMs);
    if (tookMs < everyMs) Atomics.wait(nap, 0, 0, everyMs - tookMs);
  }
  return successful;
}

const ASK_AGAIN_MS = 1;

/** Until every worker has run a task. Exact to a millisecond where one worker answers for the others. */
export async function untilAllRan(contestant: Contestant, workers: number): Promise<void> {
  const seen = new Set<number>();
  let n = 0;
  while (true) {
    for (const id of await Promise.all(Array.from({ length: workers }, () => contestant.whoRuns(n++))))
      seen.add(id);
    if (seen.size > workers)
      throw new Error(`${seen.size} threads have run tasks, expected ${workers} workers`);
    if (seen.size === workers) return;
    await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
  }
}
