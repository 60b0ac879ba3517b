// What pools of the tests run: a CommonJS module whose whole is a function, with others beside it.
'use strict';
const { parentPort, threadId, workerData } = require('node:worker_threads');

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
/** Sets the first word of shared memory, then waits until it is 2. */
function hold(word) {
  Atomics.store(word, 0, 1);
  Atomics.notify(word, 0);
  Atomics.wait(word, 0, 1);
  return threadId;
}

module.exports = (value) => value;
Object.assign(module.exports, {
  double: (value) => value * 2,
  sleep: async (ms) => {
    await sleep(ms);
    return threadId;
  },
  hold,
  argumentCount: function () {
    return arguments.length;
  },
  fail: (message) => {
    throw Object.assign(new RangeError(message), { code: 'ERR_OF_JOB' });
  },
  exit: (code) => process.exit(code),
  post: (message) => {
    parentPort.postMessage(message);
  },
  data: () => workerData,
  port: (port) => {
    port.postMessage('through the port');
    port.close();
  },
  big: (length) => 'x'.repeat(length),
  unclonable: () => () => {},
  late: sleep(1).then(() => () => 'came later'),
});
