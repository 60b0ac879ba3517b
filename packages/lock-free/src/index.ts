export {
  BoundedQueue,
  QUEUE_EMPTY,
  QUEUE_FULL,
  QUEUE_PUSHED,
  type BoundedQueueHandle,
  type BoundedQueueOptions,
} from './bounded-queue.ts';
export { IndexPresentError, LockFreeError } from './errors.ts';
export { IndexStack, STACK_EMPTY, type IndexStackHandle, type IndexStackOptions } from './index-stack.ts';
