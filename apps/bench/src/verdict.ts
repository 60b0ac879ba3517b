import type { SuiteReport, Verdict } from './document.ts';

/**
 * 1: a case failed, or with `strict` a target was missed. 3: too few clean rounds, or with `strict` a target that the
 * figures do not decide. Else 0.
 */
export function judgeRun(suites: readonly SuiteReport[], { strict }: { strict: boolean }): Verdict {
  const failures: string[] = [];
  const doubts: string[] = [];
  for (const suite of suites)
    for (const group of suite.groups) {
      const path = `${suite.name}/${group.name}`;
      for (const failure of group.failures)
        failures.push(`${path}${failure.case === null ? '' : `/${failure.case}`}: ${failure.reason}`);
      if (!group.conclusive) {
        const clean = group.rounds.filter((round) => round.dirty === null).length;
        doubts.push(
          `${path}: ${clean} clean rounds of ${group.rounds.length} attempted: the machine was too busy`,
        );
      }
      if (!strict) continue;
      for (const claim of group.claims) {
        if (claim.status === 'missed') failures.push(`${path}: target missed: ${claim.text}`);
        else if (claim.status === 'inconclusive') doubts.push(`${path}: target undecided: ${claim.text}`);
      }
    }
  return { exitCode: failures.length > 0 ? 1 : doubts.length > 0 ? 3 : 0, reasons: [...failures, ...doubts] };
}
