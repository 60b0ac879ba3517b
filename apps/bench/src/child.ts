// The process of one group: takes a job over IPC, sends progress and a report, ends.
import { messageOf } from './errors.ts';
import { measureGroupAllocation, timeGroup } from './group-runner.ts';
import type { Job, Message } from './messages.ts';
import { loadRegistry, loadSuite } from './suite-source.ts';

function send(message: Message): Promise<void> {
  return new Promise((resolve, reject) => {
    if (!process.send) throw new Error('this module runs as a child of the bench');
    process.send(message, (error: Error | null) => {
      if (error) reject(error);
      else resolve();
    });
  });
}

async function run(job: Job): Promise<void> {
  const suite = await loadSuite(await loadRegistry(job.from ?? undefined), job.suite);
  const group = suite.groups.find((candidate) => candidate.name === job.group);
  if (!group) throw new Error(`suite '${job.suite}' has no group '${job.group}'`);
  const progress = (text: string): void => void send({ type: 'progress', text });
  const measure = job.phase === 'time' ? timeGroup : measureGroupAllocation;
  await send({ type: 'done', report: await measure(group, job.profile, progress) });
}

process.once('message', (job: Job) => {
  run(job)
    .catch((error: unknown) => send({ type: 'failed', reason: messageOf(error) }))
    // A case may have left a thread or a timer behind: the report is out, so the process ends here.
    .finally(() => process.exit(0));
});
process.once('disconnect', () => process.exit(0)); // the bench is gone
void send({ type: 'ready' });
