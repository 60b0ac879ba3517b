// Prints what reading costs: node packages/platform/test/cost.mjs
import { performance } from 'node:perf_hooks';

const start = performance.now();
const { limits, Topology } = await import('../src/index.ts');
const loaded = performance.now();
Topology.read();
const first = performance.now();
console.log(
  `import ${(loaded - start).toFixed(1)} ms, first Topology.read ${(first - loaded).toFixed(1)} ms`,
);

function report(name, read) {
  const rounds = [];
  for (let round = 0; round < 50; round++) {
    const before = performance.now();
    read();
    rounds.push(performance.now() - before);
  }
  rounds.sort((a, b) => a - b);
  console.log(`${name}: median ${rounds[25].toFixed(2)} ms, max ${rounds[49].toFixed(2)} ms of 50`);
}
report('Topology.read', () => Topology.read());
report('limits', () => limits());
