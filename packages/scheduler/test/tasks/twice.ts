// Two definitions of one name in a module: a fault of its author.
import { defineTasks } from '../../src/index.ts';

export const first = defineTasks(import.meta.url, { same: () => 'first' });
export const second = defineTasks(import.meta.url, { same: () => 'second', other: () => 'other' });
