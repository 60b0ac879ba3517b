// One loop of costs.ts, one way: prints the microseconds that it takes.
import { enterCheckpoints } from '@corelane/scheduler/checkpoints';
import { transform } from '../src/index.ts';
import { evaluate } from './evaluate.ts';
import { load } from './packages.ts';

const KERNELS = `
exports.sum = (a) => { let s = 0; for (let i = 0; i < a.length; i++) s += a[i]; return s; };
exports.limit = (a, n) => { let s = 0; for (let i = 0; i < n; i++) s += a[i]; return s; };
exports.matrices = (a, b, c, n) => {
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++) {
      let s = 0;
      for (let k = 0; k < n; k++) s += a[i * n + k] * b[k * n + j];
      c[i * n + j] = s;
    }
  return c[0];
};
exports.quotes = (text) => { let n = 0; for (let i = 0; i < text.length; i++) { const c = text.charCodeAt(i); if (c === 34 || c === 92) n++; } return n; };
exports.insertion = (a) => {
  for (let i = 1; i < a.length; i++) {
    const x = a[i];
    let j = i - 1;
    while (j >= 0 && a[j] > x) { a[j + 1] = a[j]; j--; }
    a[j + 1] = x;
  }
  return a[0];
};
exports.records = (list) => { let n = 0; for (const x of list) n += x.a * x.b; return n; };
exports.entries = (map) => { let n = 0; for (const [key, value] of map) n += key.length + value; return n; };
function some(list, at, n) { let s = 0; for (let i = 0; i < n; i++) s += list[at + i]; return s; }
exports.short = (list, n) => { let s = 0; for (let i = 0; i < 30000; i++) s += some(list, i, n); return s; };
function fibonacci(n) { return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2); }
exports.fibonacci = fibonacci;
`;

const [, , name = '', how = ''] = process.argv;
const isChanged = how === 'changed';
const kernels = evaluate(isChanged ? transform(KERNELS, { filename: 'kernels.cjs' }).code : KERNELS);
const turns = isChanged ? 1024 : undefined;
const floats = Float64Array.from({ length: 100_000 }, (_, i) => i + 0.5);
const numbers = Array.from({ length: 20_000 }, (_, i) => (i * 7919) % 20_011);
const records = Array.from({ length: 30_000 }, (_, i) => ({ a: i, b: i % 7 }));
const size = 64;
const matrix = new Float64Array(size * size).fill(1.5);
const product = new Float64Array(size * size);
const json = JSON.stringify(
  Array.from({ length: 300 }, (_, i) => ({
    id: i,
    name: `name ${i}`,
    tags: ['a', 'b'],
    at: i / 7,
    ok: i % 2 === 0,
  })),
);

const SUBJECTS: Readonly<Record<string, () => () => unknown>> = {
  'sum of a Float64Array': () => () => kernels['sum'](floats),
  'sum up to a limit': () => () => kernels['limit'](floats, 100_000),
  'product of matrices': () => () => kernels['matrices'](matrix, matrix, product, size),
  'count quotes in text': () => {
    const text = 'abcdefgh"ij\\klm'.repeat(7000);
    return () => kernels['quotes'](text);
  },
  'insertion sort': () => () => kernels['insertion'](numbers.slice(0, 600)),
  'records of an array': () => () => kernels['records'](records),
  'entries of a map': () => {
    const map = new Map(records.map(({ a }) => [`k${a}`, a]));
    return () => kernels['entries'](map);
  },
  'a function with a loop of 3': () => () => kernels['short'](floats, 3),
  'a function with a loop of 30': () => () => kernels['short'](floats, 30),
  'recursion: fibonacci': () => () => kernels['fibonacci'](20),
  'timsort, numbers': () => {
    const { sort } = load('timsort', turns).exports;
    return () => sort(numbers.slice());
  },
  'timsort, by a function': () => {
    const { sort } = load('timsort', turns).exports;
    return () => sort(numbers.slice(), (a: number, b: number) => a - b);
  },
  'json5.parse': () => {
    const { parse } = load('json5', turns).exports;
    return () => parse(json);
  },
  'jsonc-parser.parse': () => {
    const { parse } = load('jsonc-parser', turns).exports;
    return () => parse(json);
  },
};

const run = SUBJECTS[name]?.() as () => unknown;
enterCheckpoints(() => {});
const WARM_MS = 200;
const MEASURED_MS = 250;
const warmUntil = performance.now() + WARM_MS;
while (performance.now() < warmUntil) run();
const times: number[] = [];
const until = performance.now() + MEASURED_MS;
while (performance.now() < until) {
  const begin = performance.now();
  for (let i = 0; i < 3; i++) run();
  times.push((performance.now() - begin) / 3);
}
// A tenth of them is faster: what the machine does beside is left out, what the collector does is not.
console.log((times.toSorted((a, b) => a - b)[(times.length / 10) | 0] as number) * 1000);
