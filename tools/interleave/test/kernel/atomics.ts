// For tsc only, so that kernels here read like those of a package: under vitest the import resolves to the twin itself.
export * from '../../src/twin.ts';
