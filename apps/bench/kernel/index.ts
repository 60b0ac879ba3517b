export { high, low } from '@corelane/shared-memory/kernel/atomics';
export { observe } from '@corelane/atomic-state/kernel/observe';
export { addByCas, createEndpoint, endpointBytes, transitions } from './limits.ts';
export {
  createStandard,
  standardBytes,
  standardTransitionCount,
  standardTransitions,
  updateByCas,
  updateByMutex,
} from './standard.ts';
// In full, as in the package's own kernel, so that the loops do not have them to themselves, inlined.
export { recordStandardAt } from '@corelane/atomic-state/kernel/standard-result';
export { tryAcquireStandardAt } from '@corelane/atomic-state/kernel/standard-admission';
export { recordDeliveryAt } from '@corelane/atomic-state/kernel/result';
export { enterSlowLane, holdSlotAgain, leaveSlowLane, takeSlotFor } from './slow-lane.ts';
