// The least value of a function of one variable, and where it crosses a level. Pure.

const GOLDEN = (Math.sqrt(5) - 1) / 2;

export interface Minimum {
  readonly at: number;
  readonly value: number;
}

/** Looks at a grid first, so that of several minima the deepest is found where the grid sees it; then golden section. */
export function minimize(
  low: number,
  high: number,
  valueAt: (x: number) => number,
  steps = 16,
  cuts = 36,
): Minimum {
  if (!(high > low)) return { at: low, value: valueAt(low) };
  let best: Minimum = { at: low, value: valueAt(low) };
  for (let i = 1; i <= steps; i++) {
    const at = low + ((high - low) * i) / steps;
    const value = valueAt(at);
    if (value < best.value) best = { at, value };
  }
  const width = (high - low) / steps;
  let from = Math.max(low, best.at - width);
  let to = Math.min(high, best.at + width);
  let left = to - GOLDEN * (to - from);
  let right = from + GOLDEN * (to - from);
  let leftValue = valueAt(left);
  let rightValue = valueAt(right);
  for (let i = 0; i < cuts; i++) {
    if (leftValue <= rightValue) {
      to = right;
      right = left;
      rightValue = leftValue;
      left = to - GOLDEN * (to - from);
      leftValue = valueAt(left);
    } else {
      from = left;
      left = right;
      leftValue = rightValue;
      right = from + GOLDEN * (to - from);
      rightValue = valueAt(right);
    }
  }
  const found = { at: (from + to) / 2, value: Math.min(leftValue, rightValue) };
  return found.value < best.value ? found : best;
}

/** Between a point within the level and one beyond it. @returns the last one within */
export function crossing(
  within: number,
  beyond: number,
  valueAt: (x: number) => number,
  level: number,
): number {
  let inside = within;
  let outside = beyond;
  for (let i = 0; i < 30; i++) {
    const middle = (inside + outside) / 2;
    if (valueAt(middle) <= level) inside = middle;
    else outside = middle;
  }
  return inside;
}
