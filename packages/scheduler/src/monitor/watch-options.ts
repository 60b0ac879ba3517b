// Options of watching polls, checked once.
import { ArgumentRangeError } from '@corelane/shared-memory';
import { tierPlan, type TierChoice, type TierPlan } from '../budgets/tier-table.ts';
import { moduleUrl } from '../module-url.ts';

interface Given {
  readonly budgets?: TierChoice | false | undefined;
  readonly isolatedShare?: number | undefined;
  readonly hooks?: string | URL;
}

const ISOLATED_SHARE = 0.25;

export function hasBudgets(budgets: TierChoice | false | undefined): budgets is TierChoice {
  return budgets !== undefined && budgets !== false;
}

/** @throws ArgumentRangeError */
export function watchOptions({ budgets, isolatedShare }: Given): {
  readonly budgets: TierPlan | undefined;
  readonly isolatedShare: number;
} {
  const share = isolatedShare ?? ISOLATED_SHARE;
  if (typeof share !== 'number' || !(share > 0 && share <= 1))
    throw new ArgumentRangeError('isolatedShare', share, 'more than 0, at most 1');
  if (hasBudgets(budgets)) return { budgets: tierPlan(budgets), isolatedShare: share };
  if (isolatedShare !== undefined)
    throw new ArgumentRangeError('isolatedShare', isolatedShare, 'none without option budgets');
  return { budgets: undefined, isolatedShare: 1 };
}

/** URL of the module of hooks. @throws ArgumentRangeError */
export function hooksUrl({ budgets, hooks }: Given): string | undefined {
  if (hooks === undefined) return undefined;
  if (!hasBudgets(budgets)) throw new ArgumentRangeError('hooks', hooks, 'none without option budgets');
  return moduleUrl(hooks);
}
