import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Status, StoredState } from '../../../ts/state/state.js';
import { type StatusFacts, stateOf, statusOf } from '../../../ts/state/status.js';
import { sampleState } from './fixture.js';

/** Every question that isn't answered here must not be asked. */
function facts(answers: Partial<Record<keyof StatusFacts, boolean>>): StatusFacts {
  const answer = (question: keyof StatusFacts) => (): boolean => {
    const known = answers[question];
    if (known === undefined) throw new Error(`${question} was asked`);
    return known;
  };
  return {
    isBeingCreated: answer('isBeingCreated'),
    isFrozen: answer('isFrozen'),
    hasStarted: answer('hasStarted'),
    isAlive: answer('isAlive'),
    isEnding: answer('isEnding'),
  };
}

const cases: [StoredState['phase'], Partial<Record<keyof StatusFacts, boolean>>, Status][] = [
  ['creating', { isBeingCreated: true }, 'creating'],
  ['creating', { isBeingCreated: false }, 'stopped'],
  ['created', { isAlive: false }, 'stopped'],
  ['created', { isAlive: true, isFrozen: true }, 'paused'],
  ['created', { isAlive: true, isFrozen: false, hasStarted: false }, 'created'],
  ['created', { isAlive: true, isFrozen: false, hasStarted: true, isEnding: false }, 'running'],
  // Killed a moment ago: its socket goes before it is a zombie.
  ['created', { isAlive: true, isFrozen: false, hasStarted: true, isEnding: true }, 'stopped'],
  ['running', { isAlive: false }, 'stopped'],
  ['running', { isAlive: true, isFrozen: true }, 'paused'],
  ['running', { isAlive: true, isFrozen: false }, 'running'],
];

for (const [phase, answers, status] of cases) {
  test(`${phase} with ${JSON.stringify(answers)} is ${status}`, () => {
    const state = stateOf(sampleState({ phase }), facts(answers));
    assert.is(state.status, status);
    assert.is(state.pid, status === 'stopped' ? 0 : 4242);
  });
}

test('without a process it is stopped', () => {
  const { init: _, ...stored } = sampleState({ phase: 'running' });
  assert.is(statusOf(stored, facts({})), 'stopped');
  assert.is(stateOf({ ...stored, phase: 'creating' }, facts({ isBeingCreated: true })).pid, 0);
});

test('the real kernel is asked when nothing else is said', () => {
  const { isAlive: _, ...rest } = facts({ isFrozen: false });
  const gone = sampleState({ phase: 'running', init: { pid: process.pid, startTime: '1' } });
  assert.is(statusOf(gone, rest), 'stopped');
});

test('a state shows what the specification lists, in this order', () => {
  const running = facts({ isAlive: true, isFrozen: false });
  const state = stateOf(sampleState({ phase: 'running', annotations: { k: 'v' } }), running);
  assert.is(
    JSON.stringify(state),
    '{"ociVersion":"1.3.0","id":"a","pid":4242,"status":"running","bundle":"/bundle","rootfs":"/bundle/rootfs",' +
      '"created":"2024-05-06T07:08:09.123456789Z","annotations":{"k":"v"},"owner":"root"}',
  );
  assert.not('annotations' in stateOf(sampleState({ phase: 'running' }), running));
});

test.run();
