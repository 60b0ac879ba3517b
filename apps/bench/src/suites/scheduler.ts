import type { Suite } from '../suite.ts';
import { payload } from './scheduler/payload.ts';
import { sparse } from './scheduler/sparse.ts';
import { tiny } from './scheduler/tiny.ts';

export const suite: Suite = {
  name: 'scheduler',
  title: 'Tasks of the scheduler against pools of workers, and against message ports by hand',
  groups: [...tiny, ...sparse, ...payload],
};
