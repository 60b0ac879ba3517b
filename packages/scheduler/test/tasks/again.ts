// One definition that is exported under several names.
import { defineTasks } from '../../src/index.ts';

export const again = defineTasks(import.meta.url, { same: () => 'same' });
export const { same } = again;
export { again as alias };
