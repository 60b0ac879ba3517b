// What a fit of capacity costs; prints the figures of the README. `npm run capacity-costs`.
import { strict as assert } from 'node:assert';
import { fitCapacity, type CapacityFit, type CapacitySample } from '../src/capacity/index.ts';
import { relativeCapacity } from '../src/capacity/scalability-law.ts';

const SIGMA = 0.03;
const KAPPA = 0.0001;
const LAMBDA = 100;
const ROUNDS = 15;
const WARM_UP = 3;
/** Of many: it takes as long as all others together. */
const ROUNDS_OF_MANY = 5;
const MANY = 1000;

interface Measured {
  readonly name: string;
  readonly run: () => void;
  readonly rounds: number;
  readonly ms: number[];
}

function quantile(values: readonly number[], q: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor(q * (values.length - 1))] as number;
}

/** Of a known law, with an error of 1 % that goes up and down. */
function samples(workers: readonly number[]): CapacitySample[] {
  return workers.map((each, i) => ({
    workers: each,
    throughput: LAMBDA * relativeCapacity(each, SIGMA, KAPPA) * (1 + 0.01 * Math.sin(7 * i)),
  }));
}

function fit(measured: readonly CapacitySample[]): CapacityFit {
  const found = fitCapacity(measured);
  assert.equal(found.kind, 'fit');
  const { sigma, kappa } = found;
  assert.ok(Math.abs(sigma.value / SIGMA - 1) < 0.3, `sigma ${sigma.value}, expected ${SIGMA}`);
  assert.ok(Math.abs(kappa.value / KAPPA - 1) < 0.5, `kappa ${kappa.value}, expected ${KAPPA}`);
  return found;
}

const six = samples([1, 8, 24, 64, 128, 216]);
const ten = samples([1, 4, 8, 16, 32, 64, 96, 128, 160, 216]);
const many = samples(Array.from({ length: MANY }, (_, i) => i + 1));

function fitting(measured: readonly CapacitySample[], rounds = ROUNDS): Measured {
  const run = (): void => void fit(measured);
  return { name: `fitCapacity, ${measured.length} numbers of workers`, run, rounds, ms: [] };
}

function predicting(measured: readonly CapacitySample[]): Measured {
  const fitted = fit(measured);
  const run = (): void => {
    const { value, low, high } = fitted.predict(48);
    const truth = LAMBDA * relativeCapacity(48, SIGMA, KAPPA);
    assert.ok(low <= value && value <= high && Math.abs(value / truth - 1) < 0.1, `${value}, not ${truth}`);
  };
  return { name: `predict, ${measured.length} numbers of workers`, run, rounds: ROUNDS, ms: [] };
}

const measured = [
  fitting(six),
  fitting(ten),
  predicting(six),
  predicting(ten),
  fitting(many, ROUNDS_OF_MANY),
];

// In turns, so that what else the machine does meets all of them.
for (let round = 0; round < WARM_UP + ROUNDS; round++)
  for (const { run, rounds, ms } of measured) {
    if (round >= WARM_UP + rounds) continue;
    const startMs = performance.now();
    run();
    if (round >= WARM_UP) ms.push(performance.now() - startMs);
  }

console.log(`Node ${process.version}`);
console.log(`${''.padEnd(40)}${['rounds', 'p10', 'median', 'p90'].map((q) => q.padStart(9)).join('')}  ms`);
for (const { name, rounds, ms } of measured) {
  const cells = [0.1, 0.5, 0.9].map((q) => quantile(ms, q).toFixed(1).padStart(9));
  console.log(`${name.padEnd(40)}${String(rounds).padStart(9)}${cells.join('')}`);
}
