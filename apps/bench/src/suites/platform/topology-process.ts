// A fresh process: what it takes to know the machine, from the import on.
import { performance } from 'node:perf_hooks';

const start = performance.now();
const { Topology } = await import('@corelane/platform');
const imported = performance.now();
const { pus, nodes } = Topology.read();
const end = performance.now();
console.log(
  JSON.stringify({
    importMs: imported - start,
    readMs: end - imported,
    pus: pus.length,
    nodes: nodes.length,
  }),
);
