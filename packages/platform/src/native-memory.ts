/** native/memory.c */
export interface NativeMemory {
  /** Size of a page. */
  pageBytes(): number;
}
