import { ThreadWorker } from 'poolifier';
import { digest, double, holdWhile, whoRuns } from './work.ts';

export default new ThreadWorker<unknown, number | string>({
  digest: (payload) => digest(payload as Uint8Array),
  double: (n) => double(n as number),
  holdWhile: (path) => holdWhile(path as string),
  whoRuns: (n) => whoRuns(n as number),
});
