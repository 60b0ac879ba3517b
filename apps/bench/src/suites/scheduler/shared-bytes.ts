/** Memory that a message port passes by reference: the best transfer of those who use one. */
export function sharedBytes(bytes: number): Uint8Array {
  return new Uint8Array(new SharedArrayBuffer(bytes));
}
