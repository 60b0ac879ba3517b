export { high, low } from '@corelane/shared-memory/kernel/atomics';
export { tryAcquire, tryAcquireAt } from './admission.ts';
export { defineEndpoint } from './define.ts';
export { observeLedger, observeRefill, observeWord } from './observe.ts';
export { recordDelivery, recordDeliveryAt } from './result.ts';
