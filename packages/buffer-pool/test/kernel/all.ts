// The kernel as the model suites see it: with the steps that threads can be terminated between.
export * from '../../kernel/index.ts';
export { linksOf, measureChain, placeChain, takeChain } from '../../kernel/free-list.ts';
export { endRetire } from '../../kernel/lease.ts';
