export { initializeQueue, popQueue, pushQueue, queueSize } from './bounded-queue.ts';
export {
  belowIndex,
  claimIndex,
  initializeStack,
  linkIndex,
  popChain,
  popIndex,
  popStack,
  pushChain,
  pushIndex,
  pushStack,
  unlinkIndex,
} from './index-stack.ts';
