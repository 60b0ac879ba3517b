/** native/threads.c */
export interface NativeThreads {
  /** gettid. */
  threadId(): number;
}
