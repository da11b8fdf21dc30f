import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { signalNumber } from '../../../ts/lifecycle/signals.js';

const known: readonly [text: string, number: number][] = [
  ['9', 9],
  ['0', 0],
  ['64', 64],
  ['KILL', 9],
  ['SIGKILL', 9],
  ['kill', 9],
  ['sigTerm', 15],
  ['HUP', 1],
  ['USR1', 10],
  ['CHLD', 17],
  ['SIGCLD', 17],
  ['IOT', 6],
  ['POLL', 29],
  ['PWR', 30],
  ['SYS', 31],
  ['STKFLT', 16],
  ['RTMIN', 34],
  ['SIGRTMIN+3', 37],
  ['rtmin+30', 64],
  ['RTMAX', 64],
  ['RTMAX-14', 50],
  ['SIGRTMAX-30', 34],
];
for (const [text, number] of known)
  test(`${text} is ${number}`, () => assert.is(signalNumber(text), number));

const unknown = [
  '',
  'SIG',
  'FOO',
  'SIGSIGTERM',
  '65',
  '-9',
  '9x',
  '1.0',
  ' 9',
  'RTMIN-1',
  'RTMAX+1',
  'RTMIN+31',
  'RTMAX-31',
  'RTMIN+',
  'RTMIN+x',
  'RT',
  'toString',
  'TERM ',
  '99999999999999999999',
];
for (const text of unknown) {
  test(`"${text}" is no signal`, () => {
    assert.throws(
      () => signalNumber(text),
      (error: Error & { code?: string }) =>
        error.code === 'INVALID_ARGUMENT' &&
        error.message.startsWith(`there is no signal "${text}"`),
    );
  });
}

test.run();
