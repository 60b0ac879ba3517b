// Hooks that fail where a poll has begun and not ended, or the other way round.
let open = 0;

export default {
  beforePoll(): void {
    if (++open !== 1) throw new RangeError(`${open} polls at once`);
  },
  afterPoll(): void {
    if (--open !== 0) throw new RangeError(`${open} polls have begun`);
  },
};
