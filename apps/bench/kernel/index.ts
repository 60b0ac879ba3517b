export { high, low } from '@corelane/shared-memory/kernel/atomics';
export { observe } from '@corelane/atomic-state/kernel/observe';
export { addByCas, createEndpoint, endpointBytes, transitions } from './limits.ts';
export { createStandard, standardBytes, standardTransitions } from './standard.ts';
export { recordStandardAt } from '@corelane/atomic-state/kernel/standard-result';
export { tryAcquireStandardAt } from '@corelane/atomic-state/kernel/standard-admission';
export { recordDeliveryAt } from '@corelane/atomic-state/kernel/result';
