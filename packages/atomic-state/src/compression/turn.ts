// Work that has no thread of its own must let others of this one have their turn: sockets, timers, the caps of other inspections.

/** Resolves after whatever else the event loop has to do now. */
export function turnOfTheLoop(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
