// What a value costs on its way through a slot (written and read once, on one thread) beside what v8.serialize and v8.deserialize take for it.
// `npm run costs`. Kinds are interleaved, in another order each round; medians.
import { deserialize, serialize } from 'node:v8';
import { Arena } from '@corelane/shared-memory';
import { tableOptions } from '../src/options.ts';
import { takeValue, writeValue } from '../src/payload.ts';
import { bytesFor, SchedulerTable } from '../src/table.ts';

const ROUNDS = 11;
const ROUND_MS = 4;
const SLOT = 1;

const options = tableOptions({ threads: 1, slots: 4 });
const table = SchedulerTable.create(Arena.create({ bytes: bytesFor(options) + (1 << 20) }), options);
const sharedAt = table.arena.allocate(1 << 20);

const values: readonly (readonly [name: string, value: unknown])[] = [
  ['number', 1.5],
  ['boolean', true],
  ['array of 3 numbers', [1, 2.5, -3]],
  ['array of 1000 numbers', Array.from({ length: 1000 }, (_, i) => i * 1.5)],
  ['record of 3 numbers', { x: 1, y: 2.5, z: -3 }],
  ['text, 8 characters of ASCII', 'abcdefgh'],
  ['text, 200 characters of Latin-1', `é${'x'.repeat(199)}`],
  ['text, 200 characters beyond that', '日本'.repeat(100)],
  ['text, 64 Ki characters of ASCII', 'x'.repeat(65_536)],
  ['date', new Date(1e12)],
  ['bigint', 12_345_678_901n],
  ['object as JSON', { id: 17, name: 'somebody', isActive: true, tags: ['a', 'b'] }],
  ['10 objects as JSON', Array.from({ length: 10 }, (_, i) => ({ id: i, name: `user ${i}` }))],
  ['object as a clone', { id: 17, at: new Date(0), seen: new Map([[1, 'a']]) }],
  ['64 bytes', new Uint8Array(64)],
  ['4 KiB', new Uint8Array(4096)],
  ['64 KiB', new Uint8Array(65_536)],
  ['1 MiB', new Uint8Array(1 << 20)],
  ['1 MiB of shared memory', table.u8.subarray(sharedAt, sharedAt + (1 << 20))],
];

let sink: unknown;

function through(value: unknown): void {
  writeValue(table, SLOT, value, 'arguments', 'costs');
  sink = takeValue(table, SLOT);
}

function cloned(value: unknown): void {
  sink = deserialize(serialize(value));
}

/** Nanoseconds a call. */
function time(run: (value: unknown) => void, value: unknown): number {
  let count = 0;
  const startMs = performance.now();
  let elapsedMs = 0;
  for (let batch = 1; elapsedMs < ROUND_MS; batch = Math.min(2 * batch, 256)) {
    for (let i = 0; i < batch; i++) run(value);
    count += batch;
    elapsedMs = performance.now() - startMs;
  }
  return (elapsedMs * 1e6) / count;
}

function median(sorted: number[]): number {
  return sorted.toSorted((a, b) => a - b)[sorted.length >> 1] as number;
}

const times = values.map(() => ({ slot: [] as number[], clone: [] as number[] }));
for (let round = -2; round < ROUNDS; round++) {
  const order = values.map((_, i) => i).toSorted(() => Math.random() - 0.5);
  for (const i of order) {
    const value = values[i]?.[1];
    const [slot, clone] = [time(through, value), time(cloned, value)];
    if (round < 0) continue; // until the compilers have done with it
    times[i]?.slot.push(slot);
    times[i]?.clone.push(clone);
  }
}

console.log('| value | slot, ns | v8, ns | v8 / slot |\n| --- | --- | --- | --- |');
for (const [i, [name]] of values.entries()) {
  const { slot = [], clone = [] } = times[i] ?? {};
  const [a, b] = [median(slot), median(clone)];
  console.log(`| ${name} | ${a.toFixed(0)} | ${b.toFixed(0)} | ${(b / a).toFixed(1)} |`);
}
if (sink === undefined) throw new Error('nothing was read');
