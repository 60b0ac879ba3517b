// What a hog does to a hundred tasks that behave, under the default configuration: with nobody beside them, beside a hog without budgets, and beside one with them.
// Latencies from `run` to the result, as percentiles and histograms; the hog's way through the tiers, and where it ran.
// `npm run hog [-- --seconds N --threads N --seed N]`
import { parseArgs } from 'node:util';
import { TIERS } from '../src/budgets/index.ts';
import { Draws } from './injection/draws.ts';
import { runExperiment, STEP_MS, wayOf, type Experiment } from './hog/experiment.ts';
import { BEHAVED } from './hog/tasks.ts';
import { barsOf, percentilesOf } from './latencies.ts';

const { values } = parseArgs({
  options: { seconds: { type: 'string' }, threads: { type: 'string' }, seed: { type: 'string' } },
});

function number(name: keyof typeof values, otherwise: number, least: number): number {
  const value = Number(values[name] ?? otherwise);
  if (!(value >= least))
    throw new RangeError(`--${name} ${values[name]}: expected a number from ${least} on`);
  return value;
}

const milliseconds = number('seconds', 10, 0.5) * 1000;
const threads = number('threads', 1, 1);
const seed = number('seed', 1, 0);

const SETTINGS: readonly (readonly [title: string, hasHog: boolean, hasBudgets: boolean])[] = [
  ['nobody beside them', false, false],
  ['a hog, without budgets', true, false],
  ['a hog, with budgets', true, true],
];

console.log(
  `${BEHAVED} tasks that behave, ten a second of each, ${threads} worker${threads === 1 ? '' : 's'}; the hog takes steps of ${STEP_MS} ms for ${milliseconds / 1000} s. seed ${seed}`,
);

const experiments: [title: string, experiment: Experiment][] = [];
for (const [title, hasHog, hasBudgets] of SETTINGS) {
  const scheduler = { threads, ...(hasBudgets && { budgets: true }) };
  const draws = new Draws(seed);
  experiments.push([title, await runExperiment({ draws, milliseconds, hasHog, scheduler })]);
}

console.log('\nFrom run to the result, µs');
console.table(
  Object.fromEntries(
    experiments.flatMap(([title, { ns, isolatedNs }]) => [
      [title, percentilesOf(ns)],
      ...(isolatedNs.count > 0 ? [[`${title}, once it is isolated`, percentilesOf(isolatedNs)]] : []),
    ]),
  ),
);
for (const [title, { ns, isolatedNs, moves, stays }] of experiments) {
  console.log(`\n${title}:`);
  for (const { task, from, to, afterMs } of moves)
    console.log(`  ${task}: from ${from} to ${to} after ${Math.round(afterMs)} ms`);
  for (const [worker, steps] of stays) console.log(`  hog: ${steps} steps on worker ${worker}`);
  for (const bar of barsOf(ns)) console.log(bar);
  if (isolatedNs.count === 0) continue;
  console.log('once it is isolated:');
  for (const bar of barsOf(isolatedNs)) console.log(bar);
}

const wrong = experiments.reduce((sum, [, experiment]) => sum + experiment.wrong, 0);
const { moves } = (experiments.at(-1) as [string, Experiment])[1];
const way = moves.every(({ task }) => task === 'hog') ? wayOf(moves) : ['not alone'];
console.log(`\n${wrong} results were wrong; the hog went ${way.join(' → ')}`);
process.exitCode = wrong === 0 && way.join() === TIERS.join() ? 0 : 1;
