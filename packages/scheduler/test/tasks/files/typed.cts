// Tasks of CommonJS in TypeScript, which requires this package: that is ESM.
const { pathToFileURL } = require('node:url');
const { defineTasks } = require('@corelane/scheduler/tasks');

const tasks = defineTasks(pathToFileURL(__filename), { double: (value: number): number => value * 2 });

module.exports = {
  tasks,
  triple: (value: number): number => value * 3,
  /** Whether `require` brought this module here: what is imported has no parent. */
  required: (): boolean => typeof module.parent === 'object',
};
