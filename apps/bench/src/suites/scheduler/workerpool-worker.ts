import workerpool from 'workerpool';
import { digest, double, holdWhile, whoRuns } from './work.ts';

workerpool.worker({ digest, double, holdWhile, whoRuns });
