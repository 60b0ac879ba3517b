// Workers and client threads end at random points under load, in every way there is, for a minute. Nothing may be lost, run twice or hang,
// and everything must come back. `npm run crash-injection [-- --seconds N --seed N]`; a line for each scheduler, exit code 1 where something was wrong.
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { Draws } from './injection/draws.ts';
import { Epoch } from './injection/epoch.ts';

/** Short: a worker that ends early again and again comes back later and later. */
const EPOCH_MS = 1000;

const { values } = parseArgs({ options: { seconds: { type: 'string' }, seed: { type: 'string' } } });
const seconds = Number(values.seconds ?? 60);
const seed = Number(values.seed ?? randomInt(2 ** 31));
if (!(seconds > 0)) throw new RangeError(`--seconds ${values.seconds}: expected a number above 0`);
if (!Number.isSafeInteger(seed)) throw new RangeError(`--seed ${values.seed}: expected a whole number`);

console.log(`crash injection for ${seconds} s, --seed ${seed}`);
const draws = new Draws(seed);
const total = { submitted: 0, fulfilled: 0, lost: 0 };
const kills: Record<string, number> = {};
const ends: Record<string, number> = {};
const add = (to: Record<string, number>, from: Readonly<Record<string, number>>): void => {
  for (const [key, count] of Object.entries(from)) to[key] = (to[key] ?? 0) + count;
};
let wrong = 0;
const end = performance.now() + seconds * 1000;
for (let n = 1; performance.now() < end; n++) {
  const milliseconds = Math.min(EPOCH_MS, Math.max(100, end - performance.now()));
  const report = await new Epoch({ draws, milliseconds }).run();
  total.submitted += report.submitted;
  total.fulfilled += report.fulfilled;
  total.lost += report.lost;
  add(kills, report.kills);
  add(ends, report.byKind);
  wrong += report.complaints.length;
  console.log(
    `${n}. ${report.setting}: ${report.submitted} tasks, ${report.fulfilled} returned, ${report.lost} lost with their worker, ${report.kills['workers ended']} workers ended`,
  );
  for (const complaint of report.complaints) console.log(`   WRONG: ${complaint}`);
}
console.table(ends);
console.table(kills);
console.log(
  `${total.submitted} tasks, ${total.fulfilled} returned, ${total.lost} lost with their worker; ${wrong === 0 ? 'nothing was wrong' : `${wrong} times something was WRONG`}`,
);
process.exitCode = wrong === 0 ? 0 : 1;
