// Prints what reading costs: node --conditions=@corelane/source packages/platform/test/cost.ts (after a build, without the condition: dist)
import { performance } from 'node:perf_hooks';

const ROUNDS = 50;

const start = performance.now();
const { limits, Topology } = await import('@corelane/platform');
const loaded = performance.now();
Topology.read();
const first = performance.now();
console.log(
  `import ${(loaded - start).toFixed(1)} ms, first Topology.read ${(first - loaded).toFixed(1)} ms`,
);

function report(name: string, read: () => unknown): void {
  const rounds: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const before = performance.now();
    read();
    rounds.push(performance.now() - before);
  }
  rounds.sort((a, b) => a - b);
  const [median = 0, max = 0] = [rounds[ROUNDS / 2], rounds.at(-1)];
  console.log(`${name}: median ${median.toFixed(2)} ms, max ${max.toFixed(2)} ms of ${ROUNDS}`);
}
report('Topology.read', () => Topology.read());
report('limits', () => limits());
