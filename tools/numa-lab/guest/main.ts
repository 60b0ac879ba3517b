/** The program in the machine: runs the suites of its task and reports each test. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import { join } from 'node:path';
import { end, hello, runTest } from './report.ts';
import type { Suite } from './suite.ts';

interface Task {
  readonly suites: readonly string[];
  readonly only: string | null;
}

const task = JSON.parse(readFileSync('/lab/task.json', 'utf8')) as Task;
const planned = [];
for (const name of task.suites) {
  const module = (await import(join(import.meta.dirname, 'suites', `${name}.ts`))) as { suite: Suite };
  for (const test of module.suite.tests)
    if (task.only === null || `${module.suite.name}: ${test.name}`.includes(task.only))
      planned.push({ suite: module.suite, test });
}
hello(planned.length, { node: process.versions.node, kernel: os.release(), addon: addon() });
for (const { suite, test } of planned) await runTest(suite, test);
end();

function addon(): string {
  try {
    const binary = createRequire(import.meta.url)(`@corelane/platform-linux-${process.arch}`) as {
      abi: number;
    };
    return `loaded, interface ${binary.abi}`;
  } catch (error) {
    return `not loaded: ${error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)}`;
  }
}
