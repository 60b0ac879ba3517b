// A thread that is a client and submits what goes by message ports.
import { MessageChannel, parentPort, workerData, type MessagePort } from 'node:worker_threads';
import { once } from 'node:events';
import { Scheduler, type SchedulerHandle } from '../../src/index.ts';
import { links } from './links.ts';

const { handle, mode } = workerData as {
  readonly handle: SchedulerHandle;
  readonly mode: 'ports' | 'flood' | 'block';
};
const client = Scheduler.attach(handle);

async function there(text: string): Promise<string> {
  const { port1, port2 } = new MessageChannel();
  const message = once(port1, 'message');
  await client.run(links.answer, { port: port2, text }, { transferList: [port2] });
  const [got] = (await message) as [string];
  port1.close();
  return got;
}

async function back(): Promise<void> {
  const port: MessagePort = await client.run(links.channel);
  port.close();
}

switch (mode) {
  case 'ports': {
    const wrong: string[] = [];
    const rounds = 10;
    for (let i = 0; i < rounds; i++) {
      const got = await there(`${i}`);
      if (got !== `over the port: ${i}`) wrong.push(got);
      await back();
    }
    parentPort?.postMessage({ rounds, wrong });
    await client.close();
    break;
  }
  case 'flood': {
    const flood = async (): Promise<never> => {
      for (;;) {
        await there('x');
        await back();
      }
    };
    setTimeout(() => parentPort?.postMessage('under way'), 100);
    await Promise.all(Array.from({ length: 16 }, flood));
    break;
  }
  case 'block': {
    const { port2 } = new MessageChannel();
    void client.run(links.echo, port2, { transferList: [port2] });
    parentPort?.postMessage('submitted');
    for (;;);
  }
}
