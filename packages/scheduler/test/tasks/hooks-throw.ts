export default {
  beforePoll(): void {
    throw new RangeError('no hook');
  },
};
