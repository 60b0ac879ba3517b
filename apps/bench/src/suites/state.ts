import type { Suite } from '../suite.ts';
import { admission } from './state/admission.ts';
import { contention, oversubscription } from './state/contention.ts';
import { events } from './state/events.ts';
import { formats, guard, guardBomb, guardSmall } from './state/guard.ts';
import { rejection } from './state/rejection.ts';
import { transition } from './state/transition.ts';
import { twins } from './state/twin.ts';

/** One shared word per endpoint against breakers of one process, and against what a CAS costs at all. */
export const suite: Suite = {
  name: 'state',
  title: 'The endpoint word of atomic-state against opossum, cockatiel and a bare CAS',
  groups: [
    transition,
    admission,
    rejection,
    contention,
    oversubscription,
    events,
    guard,
    guardSmall,
    guardBomb,
    formats,
    ...twins,
  ],
};
