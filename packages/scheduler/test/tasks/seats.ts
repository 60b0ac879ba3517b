// An affinity that only says where workers would be: two on the first node, the third on another.
import type { Affinity } from '../../src/index.ts';

const seats: Affinity = {
  place: ({ worker }) => ({ cpu: 2 * worker, node: worker < 2 ? 0 : 1, cache: worker < 2 ? 0 : 1 }),
};

export default seats;
