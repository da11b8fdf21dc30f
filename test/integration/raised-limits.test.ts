/** Hard resource limits above the caller's own, which take CAP_SYS_RESOURCE: process.test.ts has the others. */
import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Lab, type Mutate } from '../support/lab.js';
import { skipUnless } from '../support/skip.js';

const lab = new Lab();

const CAP_SYS_RESOURCE = 24n;
const status = readFileSync('/proc/self/status', 'utf8');
const effective = BigInt(`0x${/^CapEff:\t(\w+)$/m.exec(status)?.[1]}`);
const mayRaise = ((effective >> CAP_SYS_RESOURCE) & 1n) === 1n;

/** A limit that is a number on every machine. */
const name = 'Max pending signals';
const own = Number(
  new RegExp(`^${name} +\\d+ +(\\d+)`, 'm').exec(readFileSync('/proc/self/limits', 'utf8'))?.[1],
);

const raised: Mutate = (spec) => {
  spec.process.rlimits = [{ type: 'RLIMIT_SIGPENDING', soft: own + 1, hard: own + 2 }];
};
const withUsers: Mutate = (spec, bundle) => {
  raised(spec, bundle);
  const map = [{ containerID: 0, hostID: 200_000, size: 1000 }];
  spec.linux.namespaces.push({ type: 'user' });
  Object.assign(spec.linux, { uidMappings: map, gidMappings: map });
};

for (const [where, mutate] of [
  ['a container', raised],
  ['a container with a user namespace', withUsers],
] as const) {
  skipUnless(mayRaise, 'CAP_SYS_RESOURCE')(test)(`${where} gets a higher limit`, () => {
    const line = lab.inside(`grep '${name}' /proc/self/limits`, mutate);
    assert.match(line, new RegExp(` ${own + 1} +${own + 2} `));
  });

  skipUnless(!mayRaise && process.geteuid?.() === 0, 'root without CAP_SYS_RESOURCE')(test)(
    `${where} that asks for a higher limit than there is is refused`,
    () => {
      assert.match(lab.refuses(mutate), /RLIMIT_SIGPENDING to .*needs CAP_SYS_RESOURCE/);
    },
  );
}

lab.finish(test);
