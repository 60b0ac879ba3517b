export default Promise.resolve((value: string): string => `${value}!`);
