/** Huge pages on one node or another: on the machine `numa4`, where the kernel uses them without being asked. */
import { bindMemory, hugePages, migrateMemory, resetMemoryPolicy, residency } from '@corelane/platform';
import { expectVerified } from '../answers.ts';
import { Region, showTruth } from '../region.ts';
import type { Suite } from '../suite.ts';
import { expectEqual, expectThat } from '../suite.ts';

const HUGE = 2 * 2 ** 20;
const MEBIBYTES = 16;

function show(region: Region): string {
  return `${region.hugeBytes() / 2 ** 20} MiB huge; ${showTruth(region.truth())}`;
}

export const suite: Suite = {
  name: 'huge pages',
  tests: [
    {
      name: 'never: none',
      asked: `never for ${MEBIBYTES} MiB bound to node 1; touch`,
      run() {
        using region = new Region(MEBIBYTES);
        expectVerified('bindMemory', bindMemory(region.view, [1]));
        expectVerified('hugePages', hugePages(region.view, 'never'));
        region.touch();
        expectEqual('AnonHugePages', region.hugeBytes(), 0);
        expectEqual('pages', region.truth().pages, { 1: region.pages });
        return show(region);
      },
    },
    {
      name: 'advise: huge pages, on the node they are bound to',
      asked: `advise for ${MEBIBYTES} MiB bound to node 2; touch`,
      run() {
        using region = new Region(MEBIBYTES);
        expectVerified('bindMemory', bindMemory(region.view, [2]));
        expectVerified('hugePages', hugePages(region.view, 'advise'));
        region.touch();
        const huge = region.hugeBytes();
        expectThat(`${huge} bytes huge, expected most`, huge >= region.view.byteLength - 2 * HUGE);
        expectEqual('residency', expectVerified('residency', residency(region.view)).hugeBytes, huge);
        expectEqual('pages', region.truth().pages, { 2: region.pages });
        return show(region);
      },
    },
    {
      name: 'collapse: small pages become huge ones, with their contents',
      asked: `${MEBIBYTES} MiB of small pages on node 3; collapse`,
      run() {
        using region = new Region(MEBIBYTES);
        expectVerified('bindMemory', bindMemory(region.view, [3]));
        expectVerified('hugePages', hugePages(region.view, 'never'));
        region.touch();
        expectEqual('AnonHugePages before', region.hugeBytes(), 0);
        expectVerified('hugePages', hugePages(region.view, 'advise'));
        const collapsed = hugePages(region.view, 'collapse');
        // Before Linux 6.7 the kernel does not tell which part of a mapping is huge. Then it was asked, and is judged by its own files alone.
        if (collapsed.status !== 'verified')
          expectThat(
            collapsed.reason,
            /succeeded, but cannot be read back: .*needs Linux 6\.7/.test(collapsed.reason),
          );
        const huge = region.hugeBytes();
        expectThat(`${huge} bytes huge, expected most`, huge >= region.view.byteLength - 2 * HUGE);
        region.expectTouched();
        expectEqual('pages', region.truth().pages, { 3: region.pages });
        return show(region);
      },
    },
    {
      name: 'migrate: huge pages move',
      asked: `${MEBIBYTES} MiB of huge pages on node 3; to node 1`,
      run() {
        using region = new Region(MEBIBYTES);
        expectVerified('bindMemory', bindMemory(region.view, [3]));
        expectVerified('hugePages', hugePages(region.view, 'advise'));
        region.touch();
        expectVerified('resetMemoryPolicy', resetMemoryPolicy(region.view));
        const before = show(region);
        expectEqual('pages before', region.truth().pages, { 3: region.pages });
        expectVerified('migrateMemory', migrateMemory(region.view, 1));
        region.expectTouched();
        expectEqual('pages', region.truth().pages, { 1: region.pages });
        return `${before}; then ${show(region)}`;
      },
    },
  ],
};
