/** What a listener throws is nobody's here to catch, and keeps no other from hearing of it: it is thrown in a task of its own. */
export function callSafely<Event>(listener: (event: Event) => void, event: Event): void {
  try {
    listener(event);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
