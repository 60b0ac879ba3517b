// Prints what the operations of this package cost on this machine: medians of interleaved rounds, with the spread.
//   node packages/shared-memory/test/costs.ts
import { setTimeout as sleep } from 'node:timers/promises';
import { addTally, Arena, CoarseClock, Parker, readTally, tally } from '../src/index.ts';
import type { Station } from './worker/costs-worker.ts';
import { Crew } from '../../../tools/testing/crew.ts';

const ROUNDS = 7;
const arena = Arena.create({ bytes: 1 << 24 });
const { i32 } = arena;
const clock = CoarseClock.create(arena);
const parker = Parker.create(arena);
const nowWord = clock.addressOfNow >> 2;
const tallyAt = arena.allocate(tally.bytes) >> 2;
const samples = new Map<string, number[]>();

/** ns an operation, less those of an empty loop. */
function time(name: string, times: number, loop: (times: number) => unknown): void {
  loop(times);
  const start = performance.now();
  loop(times);
  add(name, ((performance.now() - start) / times) * 1e6);
}

function add(name: string, value: number): void {
  samples.set(name, [...(samples.get(name) ?? []), value]);
}

async function threads(stations: readonly Partial<Station>[], times: number): Promise<number> {
  const parkers = [Parker.create(arena).handle, Parker.create(arena).handle];
  const word = arena.allocate(512) >> 2;
  await using crew = new Crew(
    new URL('./worker/costs-worker.ts', import.meta.url),
    stations.map((station) => ({
      times,
      arena: arena.handle,
      parkers,
      ...station,
      word: word + (station.word ?? 0),
    })),
  );
  await crew.go();
  return Math.max(...(await crew.reports<number>()));
}

for (let round = 0; round < ROUNDS; round++) {
  time('Atomics.load', 3e6, (n) => {
    let sum = 0;
    for (let i = 0; i < n; i++) sum = (sum + Atomics.load(i32, nowWord)) | 0;
    return sum;
  });
  time('clock.now', 3e6, (n) => {
    let sum = 0;
    for (let i = 0; i < n; i++) sum = (sum + clock.now()) | 0;
    return sum;
  });
  time('performance.now', 3e5, (n) => {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += performance.now();
    return sum;
  });
  time('clock.tick', 3e5, (n) => {
    for (let i = 0; i < n; i++) clock.tick();
  });
  time('parker.prepare', 3e6, (n) => {
    let sum = 0;
    for (let i = 0; i < n; i++) sum = (sum + parker.prepare()) | 0;
    return sum;
  });
  time('parker.unpark, nobody parked', 3e6, (n) => {
    for (let i = 0; i < n; i++) parker.unpark();
  });
  time('Atomics.add + notify, nobody parked', 1e6, (n) => {
    for (let i = 0; i < n; i++) {
      Atomics.add(i32, nowWord + 1, 1);
      Atomics.notify(i32, nowWord + 1, 1);
    }
  });
  const past = parker.prepare() - 1;
  time('parker.park, forestalled', 3e5, (n) => {
    for (let i = 0; i < n; i++) parker.park(past);
  });
  time('addTally', 3e6, (n) => {
    for (let i = 0; i < n; i++) addTally(i32, tallyAt, 1);
  });
  time('readTally', 3e6, (n) => {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += readTally(i32, tallyAt);
    return sum;
  });
  time('arena.allocate', 3e4, (n) => {
    for (let i = 0; i < n; i++) arena.allocate(4, 4);
  });
  time('Parker.attach (arena attached)', 3e4, (n) => {
    for (let i = 0; i < n; i++) Parker.attach(parker.handle, arena);
  });
  const same = [
    { role: 'add', word: 0 },
    { role: 'add', word: 1 },
  ] as const;
  const apart = [
    { role: 'add', word: 0 },
    { role: 'add', word: 32 },
  ] as const;
  add('two threads add to words of one line', await threads(same, 2e6));
  add('two threads add to words 128 bytes apart', await threads(apart, 2e6));
  for (const wait of ['wait', 'parker', 'adaptive', 'spinning'] as const)
    add(
      `round trip of two threads: ${{ wait: 'Atomics.wait', parker: 'parker', adaptive: 'idle, adaptive', spinning: 'idle, spinning' }[wait]}`,
      await threads(
        [
          { role: 'ping', wait },
          { role: 'pong', wait },
        ],
        3e3,
      ),
    );
}

console.log(`node ${process.version}, ns, median of ${ROUNDS} (least to most)`);
for (const [name, values] of samples) {
  values.sort((a, b) => a - b);
  const [least, median, most] = [0, ROUNDS >> 1, ROUNDS - 1].map((i) => values[i]!.toFixed(1));
  console.log(`${name.padEnd(48)} ${median!.padStart(9)}  (${least} to ${most})`);
}

/** CPU time of the process over 2 s in which nothing else happens, in % of a core. */
async function idleLoad(): Promise<string> {
  const before = process.cpuUsage();
  const start = performance.now();
  await sleep(2000);
  const { user, system } = process.cpuUsage(before);
  return `${(((user + system) / 1000 / (performance.now() - start)) * 100).toFixed(1)} % of a core`;
}

console.log(`no ticker: ${await idleLoad()}`);
for (const thread of ['this', 'own'] as const) {
  const start = performance.now();
  const ticker = clock.startTicker({ thread });
  await ticker.ready;
  const readyMs = performance.now() - start;
  console.log(`ticker on ${thread} thread: ready after ${readyMs.toFixed(0)} ms, ${await idleLoad()}`);
  await ticker[Symbol.asyncDispose]();
}
