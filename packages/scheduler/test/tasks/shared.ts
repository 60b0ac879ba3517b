export function isSharedMemory(view: ArrayBufferView): boolean {
  return view.buffer instanceof SharedArrayBuffer;
}
