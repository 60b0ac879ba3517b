export { initializeQueue, popQueue, pushQueue, queueSize } from './bounded-queue.ts';
