// States from which no end can be reached: with `repeat`, threads may go round for ever.

/** The first state that no path leads from to an end. `edges` are pairs from, to. */
export function findLivelock(
  states: number,
  edges: readonly number[],
  ends: readonly number[],
): number | undefined {
  // Incoming edges by state, as one array with an index.
  const starts = new Int32Array(states + 1);
  for (let i = 1; i < edges.length; i += 2) starts[edges[i]! + 1]! += 1;
  for (let state = 0; state < states; state++) starts[state + 1]! += starts[state]!;
  const filled = starts.slice(0, states);
  const sources = new Int32Array(edges.length / 2);
  for (let i = 0; i < edges.length; i += 2) sources[filled[edges[i + 1]!]!++] = edges[i]!;

  const ending = new Uint8Array(states);
  const queue = [...ends];
  for (const end of ends) ending[end] = 1;
  for (let state = queue.pop(); state !== undefined; state = queue.pop())
    for (let i = starts[state]!; i < starts[state + 1]!; i++) {
      const source = sources[i]!;
      if (ending[source] !== 0) continue;
      ending[source] = 1;
      queue.push(source);
    }
  const stuck = ending.indexOf(0);
  return stuck < 0 ? undefined : stuck;
}
