// What checkpoints cost: loops with them beside the same without, each in processes of its own, in turn. A handler is entered, as in a worker.
//   npm run costs [rounds]
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const NAMES = [
  'sum of a Float64Array',
  'sum up to a limit',
  'product of matrices',
  'count quotes in text',
  'insertion sort',
  'records of an array',
  'entries of a map',
  'a function with a loop of 3',
  'a function with a loop of 30',
  'recursion: fibonacci',
  'timsort, numbers',
  'timsort, by a function',
  'json5.parse',
  'jsonc-parser.parse',
];
const rounds = Number(process.argv[2] ?? 5);
const child = fileURLToPath(new URL('./costs-child.ts', import.meta.url));

function measure(name: string, how: string): number {
  const args = [...process.execArgv, child, name, how];
  return Number(execFileSync(process.execPath, args, { encoding: 'utf8' }));
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] as number;
}

console.log(`| loop | µs | with checkpoints | slower | spread |\n| --- | --- | --- | --- | --- |`);
const ratios = NAMES.map((name) => {
  const pairs = Array.from({ length: rounds }, (_, i) => {
    // In turn, and each first in turn.
    const first = measure(name, i % 2 === 0 ? 'plain' : 'changed');
    const second = measure(name, i % 2 === 0 ? 'changed' : 'plain');
    return i % 2 === 0 ? { plain: first, changed: second } : { plain: second, changed: first };
  });
  const all = pairs.map(({ plain, changed }) => changed / plain);
  const plain = median(pairs.map((each) => each.plain));
  const ratio = median(all);
  const percent = (value: number): string => `${((value - 1) * 100).toFixed(0)} %`;
  console.log(
    `| ${name} | ${plain.toFixed(1)} | ${median(pairs.map((each) => each.changed)).toFixed(1)} | ${percent(ratio)} | ${percent(Math.min(...all))} to ${percent(Math.max(...all))} |`,
  );
  return ratio;
});
console.log(`median of all: ${((median(ratios) - 1) * 100).toFixed(1)} %`);
