// A process whose worker spends its time in one function with a name; prints its pid. For `node --perf-basic-prof`.
import { once } from 'node:events';
import { isMainThread, Worker } from 'node:worker_threads';

if (isMainThread) {
  const worker = new Worker(new URL(import.meta.url), { argv: [process.argv[2] ?? '50'] });
  await once(worker, 'exit');
  console.log(process.pid);
} else {
  const millions = Number(process.argv[2]);
  if (hotForPerf(millions * 1e6) === 0.5) throw new Error('a whole number is no half');
}

function hotForPerf(rounds: number): number {
  let x = 1;
  for (let i = 0; i < rounds; i++) x = (Math.imul(x, 31) + i) | 0;
  return x;
}
