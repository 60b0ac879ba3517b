// An `Interrupt` that can do nothing.
export default {
  register: (): never => {
    throw new Error('this machine has no such thing');
  },
  park: (): Promise<never> => Promise.reject(new Error('nor any other')),
};
