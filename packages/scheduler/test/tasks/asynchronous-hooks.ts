// Hooks that nobody could wait for.
export default {
  // oxlint-disable-next-line require-await -- that is what is asked about
  async beforePoll(): Promise<void> {
    throw new RangeError('too late');
  },
};
