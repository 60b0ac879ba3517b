/**
 * native/threads.c. A thread id of 0 is the calling thread; any other must be a thread of this process, else the answer is -ESRCH.
 */
export interface NativeThreads {
  /** gettid. */
  threadId(): number;
  /** 0 where `tid` is a thread of this process. */
  ownThread(tid: number): number;
  /** getcpu: node * CPU_NODE_UNIT + cpu. */
  currentCpu(): number;
  /** sched_getaffinity into a range of `view`, in words of 64 bits, CPU 0 the lowest bit. Answers the bytes written. */
  affinity(tid: number, view: Uint8Array, offsetBytes: number, lengthBytes: number): number;
  /** sched_setaffinity. */
  setAffinity(tid: number, view: Uint8Array, offsetBytes: number, lengthBytes: number): number;
  /** getpriority, without libc: 20 - nice. */
  priority(tid: number): number;
  /** setpriority. */
  setNice(tid: number, nice: number): number;
  /** sched_getscheduler: the kernel's number of the policy, with its flags. */
  scheduler(tid: number): number;
  /** sched_getparam: the real-time priority. */
  schedulerPriority(tid: number): number;
  /** sched_setscheduler. */
  setScheduler(tid: number, policy: number, priority: number): number;
  /** CPU time of a thread in nanoseconds. */
  threadCpuTimeNs(tid: number): number;
  /** The same, or -errno, written into `view` as a double, so that nothing is allocated. */
  threadCpuTimeInto(tid: number, view: Float64Array, offsetBytes: number): void;
}

/** What `currentCpu` multiplies the node by. */
export const CPU_NODE_UNIT = 1_048_576;
