/** Hardware counters, on the machine `counters`: what the package's own lab tests ask, and what is left when the kernel allows less. */
import { readFileSync, writeFileSync } from 'node:fs';
import * as platform from '@corelane/platform';
import { perfLabTests } from '../../../../packages/platform/test/lab/perf.ts';
import { NOBODY, inConditions } from '../conditions.ts';
import type { LabTest, Suite } from '../suite.ts';
import { Mismatch, expectEqual, expectThat } from '../suite.ts';

/** Runs `use` with another value in a file of /proc/sys/kernel. */
function withSetting<T>(name: string, value: number, use: () => T): T {
  const path = `/proc/sys/kernel/${name}`;
  const before = readFileSync(path, 'utf8');
  writeFileSync(path, String(value));
  try {
    return use();
  } finally {
    writeFileSync(path, before);
  }
}

/** Those throw plain errors for what must not be. */
const own: LabTest[] = perfLabTests(platform).map((test) => ({
  ...test,
  run() {
    try {
      return test.run();
    } catch (error) {
      throw new Mismatch(error instanceof Error ? error.message : String(error));
    }
  },
}));

export const suite: Suite = {
  name: 'perf',
  tests: [
    ...own,
    {
      name: 'without access from user space, counters are read through the kernel',
      asked: 'kernel.perf_user_access=0',
      run() {
        const { cycles } = withSetting('perf_user_access', 0, () => inConditions({}, 'countCycles'));
        expectEqual('tier', cycles.tier, 'group');
        expectThat(`cycles ${cycles.value}`, (cycles.value ?? 0) > 0);
        return `${cycles.value} by ${cycles.tier}: ${cycles.reason}`;
      },
    },
    {
      name: 'an ordinary user counts its own user space',
      asked: 'user 65534, kernel.perf_event_paranoid=2',
      run() {
        const { cycles } = withSetting('perf_event_paranoid', 2, () =>
          inConditions({ userId: NOBODY }, 'countCycles'),
        );
        expectEqual('tier', cycles.tier, 'rdpmc');
        expectThat(`cycles ${cycles.value}`, (cycles.value ?? 0) > 0);
        expectThat(
          `the reason says that the kernel is left out: ${cycles.reason}`,
          /kernel/.test(cycles.reason),
        );
        return `${cycles.value} by ${cycles.tier}: ${cycles.reason}`;
      },
    },
    {
      name: 'an ordinary user whom the kernel lets count nothing is told so',
      asked: 'user 65534, kernel.perf_event_paranoid=3 (Debian)',
      run() {
        const { cycles, taskClock } = withSetting('perf_event_paranoid', 3, () =>
          inConditions({ userId: NOBODY }, 'countCycles'),
        );
        expectEqual('cycles', [cycles.value, cycles.tier], [null, null]);
        expectThat(`the reason names the setting: ${cycles.reason}`, cycles.reason.includes('paranoid'));
        expectEqual('taskClock tier', taskClock.tier, 'procfs');
        return `cycles null: ${cycles.reason}; taskClock by ${taskClock.tier}`;
      },
    },
  ],
};
