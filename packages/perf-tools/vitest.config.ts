import { defineProject } from 'vitest/config';
import { shared } from '../../tools/vitest.shared.ts';

export default defineProject(shared('perf-tools'));
