export { high, low } from '@corelane/shared-memory/kernel/atomics';
export { observe } from '@corelane/atomic-state/kernel/observe';
export { addByCas, createEndpoint, endpointBytes, transitions } from './limits.ts';
