import type { Suite } from '../suite.ts';
import { consume } from './budgets/consume.ts';
import { clocks } from './budgets/cpu-clock.ts';
import { hooks } from './budgets/hooks.ts';
import { mainLoop } from './budgets/main-loop.ts';
import { overhead } from './budgets/overhead.ts';
import { slowLane } from './budgets/slow-lane.ts';
import { tiers } from './budgets/tiers.ts';

export const suite: Suite = {
  name: 'budgets',
  title: 'Budgets, tiers and hooks around polls: what each costs a task',
  groups: [hooks, consume, tiers, mainLoop, slowLane, clocks, ...overhead],
};
