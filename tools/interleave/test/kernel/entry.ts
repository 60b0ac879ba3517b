// An entry that only re-exports, as the kernel/index.ts of a package does.
export { increment } from './counter.ts';
export { push, pop, steal } from './deque.ts';
