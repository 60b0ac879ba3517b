import { setTimeout as delay } from 'node:timers/promises';
import { defineTasks } from '../../src/index.ts';

export const tasks = defineTasks(import.meta.url, {
  double: (n: number) => n * 2,
  echo: (value: unknown) => value,
  async later(ms: number): Promise<string> {
    await delay(ms);
    return `after ${ms}`;
  },
  nothing() {},
  fail(message: string): never {
    throw new RangeError(message);
  },
  exit(code: number): void {
    process.exit(code);
  },
  spin(): void {
    for (;;);
  },
});
