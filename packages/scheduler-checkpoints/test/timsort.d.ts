// It has no types of its own.
declare module 'timsort' {
  export function sort<T>(list: T[], compare?: (a: T, b: T) => number): void;
}
