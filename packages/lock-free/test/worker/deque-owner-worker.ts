// Pushes two values, pops none, and ends without giving the role back.
import { workerData } from 'node:worker_threads';
import { WorkStealingDeque, type WorkStealingDequeHandle } from '../../src/index.ts';

const owner = WorkStealingDeque.attach(workerData as WorkStealingDequeHandle).owner();
owner.tryPush(11);
owner.tryPush(12);
