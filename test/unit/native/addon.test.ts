import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isKernelSupported } from '../../../ts/native/addon.js';

const releases: [string, boolean][] = [
  ['5.14.0', true],
  ['5.14.0-427.el9.x86_64', true],
  ['5.14-rc1', true],
  ['5.100.1', true],
  ['6.1.0-18-amd64', true],
  ['10.0', true],
  ['5.13.19', false],
  ['5.4.0-150-generic', false],
  ['4.18.0-553.el8', false],
  ['not a release', false],
  ['', false],
];

for (const [release, supported] of releases) {
  test(`Linux ${JSON.stringify(release)} is ${supported ? '' : 'not '}supported`, () => {
    assert.is(isKernelSupported(release), supported);
  });
}

test.run();
