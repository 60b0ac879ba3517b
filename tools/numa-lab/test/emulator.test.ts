import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { machineArguments } from '../src/emulator.ts';
import type { Machine } from '../src/machine.ts';
import { MACHINES } from '../src/machine.ts';

const named = (name: string): Machine => {
  const machine = MACHINES.find((each) => each.name === name);
  if (machine === undefined) throw new Error(`no ${name}`);
  return machine;
};

/** Values of `-numa`, one a line. */
const numa = (machine: Machine): string[] => {
  const args = machineArguments(machine);
  return args.filter((_, index) => args[index - 1] === '-numa');
};

describe('machineArguments', () => {
  it('gives each node its memory, its CPUs and its distances', () => {
    const args = machineArguments(named('numa4'));
    expect(args.join(' ')).toContain('-m 2048M -object memory-backend-ram,id=memory0,size=512M');
    expect(numa(named('numa4'))).toContain('node,nodeid=3,cpus=6-7,memdev=memory3');
    expect(numa(named('numa4')).filter((value) => value.startsWith('dist,'))).toHaveLength(16);
    expect(numa(named('numa4'))).toContain('dist,src=0,dst=3,val=22');
  });

  it('leaves out memory of a node without, and CPUs of a node without', () => {
    expect(numa(named('holes')).slice(0, 3)).toEqual([
      'node,nodeid=0,cpus=0-1,memdev=memory0',
      'node,nodeid=1,cpus=2-3',
      'node,nodeid=2,memdev=memory2',
    ]);
    expect(machineArguments(named('holes')).join(' ')).not.toMatch(/hmat|memory1/);
  });

  it('tells latency and bandwidth of each pair of CPUs and memory, worse from far', () => {
    const values = numa(named('tiers'));
    const slow = 'hierarchy=memory,data-type=access-latency';
    expect(values).toContain(`hmat-lb,initiator=1,target=3,${slow},latency=300`);
    expect(values).toContain(`hmat-lb,initiator=0,target=3,${slow},latency=600`);
    expect(values.filter((value) => value.startsWith('hmat-lb,'))).toHaveLength(2 * 2 * 4);
    expect(machineArguments(named('tiers'))).toContain('q35,hmat=on');
  });
});

describe('MACHINES', () => {
  it('name suites that are there, and distances that are square and 10 on the diagonal', () => {
    for (const { suites, nodes, distances } of MACHINES) {
      const files = suites.map((suite) => join(import.meta.dirname, '../guest/suites', `${suite}.ts`));
      expect(files.filter((file) => !existsSync(file))).toEqual([]);
      for (const [node, row] of distances.entries()) {
        expect(row).toHaveLength(nodes.length);
        expect(row[node]).toBe(10);
      }
    }
  });
});
