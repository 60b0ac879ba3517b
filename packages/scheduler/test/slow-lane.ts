// Ten thousand tasks of a hundred names in the slow lane, a quarter of each priority: its caps, its weights, its boost, and how often each task ran.
// `npm run slow-lane`
import { PRIORITIES } from '../src/index.ts';
import { runTenThousand, sharesOf } from './ten-thousand/run.ts';
import { TASKS } from './ten-thousand/tasks.ts';

/** Nobody waits so long. */
const NEVER_MS = 1_000_000;
const SOME = 1000;
const PARTS = 5;

let isRight = true;

for (const [title, boostMs, lowFirstMs] of [
  ['by weights: nobody waits long enough for a boost', NEVER_MS, undefined],
  ['those of low priority came first, and have waited for longer than boostMs', 1, 20],
] as const) {
  const { refusals, byTimes, order, boosted, wrong, milliseconds } = await runTenThousand({
    boostMs,
    lowFirstMs,
  });
  console.log(`\n${TASKS} tasks, ${title}`);
  console.log(
    `  one more of a name that has as many as it may: ${refusals[0]}; one more of all: ${refusals[1]}`,
  );
  for (const [times, tasks] of Object.entries(byTimes)) console.log(`  ${tasks} tasks ran ${times} times`);
  console.log(`  ${wrong} results were wrong; ${boosted} were boosted; ${Math.round(milliseconds)} ms`);
  console.log(`  Of each ${SOME}, in the order in which they ran:`);
  console.table(
    Object.fromEntries(
      Array.from({ length: PARTS }, (_, part) => [
        `${part * SOME + 1}–${(part + 1) * SOME}`,
        sharesOf(order.slice(part * SOME, (part + 1) * SOME)),
      ]),
    ),
    [...PRIORITIES],
  );
  isRight &&= wrong === 0 && byTimes[1] === TASKS;
}
process.exitCode = isRight ? 0 : 1;
