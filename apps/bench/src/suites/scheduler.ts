import type { Suite } from '../suite.ts';
import { eventLoop } from './scheduler/event-loop.ts';
import { paced } from './scheduler/paced.ts';
import { payload } from './scheduler/payload.ts';
import { queued } from './scheduler/queued.ts';
import { settings } from './scheduler/settings.ts';
import { startUp } from './scheduler/start-up.ts';
import { tiny } from './scheduler/tiny.ts';

export const suite: Suite = {
  name: 'scheduler',
  title: 'Tasks of the scheduler against pools of workers, and against message ports by hand',
  groups: [...tiny, ...paced, ...payload, startUp, ...queued, eventLoop, ...settings],
};
