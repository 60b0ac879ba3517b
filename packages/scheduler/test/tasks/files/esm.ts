import type { TaskContext } from '../../../src/index.ts';

export default function twice(value: number): number {
  return 2 * value;
}

export function parameters(...values: unknown[]): number {
  return values.length;
}

export const optional = (value: number, factor = 3): number => value * factor;

export const worker = (_: undefined, context: TaskContext): number => context.worker;

export function* steps(count: number): Generator<undefined, number> {
  for (let i = 0; i < count; i++) yield;
  return count;
}

export const text = 'no function';

export const later: Promise<(value: number) => number> = Promise.resolve((value) => value + 1);
