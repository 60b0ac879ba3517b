import { SuiteError } from './errors.ts';
import { type Group, type Suite, subjectsOf } from './suite.ts';

/** Throws a SuiteError for names that are not unique, claims and published figures on cases that are not there and groups with nothing to compare. */
export function validateSuite(suite: Suite): void {
  if (suite.groups.length === 0) throw new SuiteError(`suite '${suite.name}' has no groups`);
  unique(
    suite.groups.map((group) => group.name),
    `suite '${suite.name}' has two groups named`,
  );
  for (const group of suite.groups) validateGroup(group, `${suite.name}/${group.name}`);
}

function validateGroup(group: Group, path: string): void {
  const subjects = subjectsOf(group);
  const names = subjects.map((subject) => subject.name);
  unique(names, `${path} has two cases named`);
  if (!subjects.some((subject) => subject.role === 'ours'))
    throw new SuiteError(
      `${path} has no case of role 'ours'; roles: ${subjects.map((s) => s.role).join(', ')}`,
    );
  const empty = subjects.filter((subject) => subject.role === 'empty').length;
  if (empty > 1) throw new SuiteError(`${path} has ${empty} cases of role 'empty', expected at most 1`);
  if (group.kind === 'scenario' && !(Number.isSafeInteger(group.rounds) && group.rounds > 0))
    throw new SuiteError(`${path} has rounds ${group.rounds}, expected an integer above 0`);
  if (group.kind === 'batch')
    for (const { name, opsPerBatch = 1, quickOpsPerBatch = 1 } of group.cases)
      for (const [option, operations] of Object.entries({ opsPerBatch, quickOpsPerBatch }))
        if (!(Number.isSafeInteger(operations) && operations > 0))
          throw new SuiteError(`${path}/${name} has ${option} ${operations}, expected an integer above 0`);
  if (group.kind === 'batch')
    for (const { name, against } of group.cases)
      if (
        against !== undefined &&
        !subjects.some((other) => other.name === against && other.role === 'ours' && other.name !== name)
      )
        throw new SuiteError(`${path}/${name} is against '${against}', which is no other case of ours`);
  for (const figure of group.publication?.figures ?? [])
    for (const name of [figure.of, figure.against])
      if (name !== undefined && !names.includes(name))
        throw new SuiteError(
          `${path} has a published figure on '${name}', which is none of its cases: ${names.join(', ')}`,
        );
  for (const claim of group.claims ?? []) {
    for (const name of [claim.of, claim.against])
      if (name !== undefined && !names.includes(name))
        throw new SuiteError(
          `${path} has a claim on '${name}', which is none of its cases: ${names.join(', ')}`,
        );
    if ((claim.atMost === undefined) === (claim.atLeast === undefined))
      throw new SuiteError(`${path} has a claim on '${claim.of}' without exactly one of atMost and atLeast`);
  }
}

function unique(names: readonly string[], message: string): void {
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new SuiteError(`${message} '${twice}'`);
}
