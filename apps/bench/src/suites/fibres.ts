import type { Suite } from '../suite.ts';
import { handOff } from './fibres/hand-off.ts';
import { loops } from './fibres/loops.ts';
import { switches } from './fibres/switches.ts';

export const suite: Suite = {
  name: 'fibres',
  title: 'Fibres against promises and generators by hand, hand-offs, loops with checkpoints',
  groups: [switches, handOff, ...loops],
};
