// The ways to hand the results of interchangeable threads to those threads.

function permutations(of: readonly number[]): number[][] {
  if (of.length === 0) return [[]];
  return of.flatMap((first, i) => permutations(of.toSpliced(i, 1)).map((rest) => [first, ...rest]));
}

/** All orders of 0…count-1 that only move positions within a group; the identity comes first. */
export function arrangements(count: number, groups: readonly (readonly number[])[]): number[][] {
  let orders = [Array.from({ length: count }, (_, i) => i)];
  for (const positions of groups)
    orders = permutations(positions).flatMap((moved) =>
      orders.map((order) =>
        order.map((position, i) => (positions.includes(i) ? moved[positions.indexOf(i)]! : position)),
      ),
    );
  return orders;
}
