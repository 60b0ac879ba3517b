// The port `Interrupt` of tests.
export { interrupt as default } from '@corelane/platform/experimental';
