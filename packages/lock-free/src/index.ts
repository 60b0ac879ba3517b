export {
  BoundedQueue,
  QUEUE_EMPTY,
  QUEUE_FULL,
  QUEUE_PUSHED,
  type BoundedQueueHandle,
  type BoundedQueueOptions,
} from './bounded-queue.ts';
