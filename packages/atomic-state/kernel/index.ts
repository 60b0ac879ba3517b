export { high, low } from '@corelane/shared-memory/kernel/atomics';
export { defineEndpoint } from './define.ts';
export {
  observeLedger,
  observeRefill,
  observeWord,
  recordDelivery,
  recordDeliveryAt,
  tryAcquire,
  tryAcquireAt,
} from './breaker.ts';
