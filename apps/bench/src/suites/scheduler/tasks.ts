// The task of this package's scheduler: what is imported by its workers.
import { defineTasks } from '@corelane/scheduler';
import { double } from './double.ts';

export const tasks = defineTasks(import.meta.url, { double });
