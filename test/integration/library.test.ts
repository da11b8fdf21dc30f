import { text } from 'node:stream/consumers';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Runtime, TsruncError } from '../../ts/index.js';
import type { RunningContainer } from '../../ts/lifecycle/options.js';
import { openDescriptors } from '../support/descriptors.js';
import { Lab, type Mutate } from '../support/lab.js';
import { skipUnless } from '../support/skip.js';

const lab = new Lab();
const root = skipUnless(process.geteuid?.() === 0, 'root');
const runtime = new Runtime({ root: lab.root });

const args =
  (...words: string[]): Mutate =>
  (spec) => {
    spec.process.args = words;
  };
const quiet = ['ignore', 'ignore', 'ignore'] as const;
const piped = ['pipe', 'pipe', 'pipe'] as const;

async function failure(act: Promise<unknown>): Promise<TsruncError> {
  try {
    await act;
  } catch (error) {
    assert.instance(error, TsruncError);
    return error as TsruncError;
  }
  return assert.unreachable('it must fail') as never;
}

root(test)('run with pipes: what goes into cat comes out again', async () => {
  const container = await runtime.run(lab.name(), {
    bundle: lab.bundle(args('cat')),
    stdio: piped,
  });
  const input = 'much\n'.repeat(100_000);
  container.stdin?.end(input);
  assert.ok(container.stdout && container.stderr);
  const [output, errors] = await Promise.all([text(container.stdout), text(container.stderr)]);
  assert.is(output, input);
  assert.is(errors, '');
  assert.equal(await container.wait(), { code: 0 });
  assert.equal(await runtime.list(), []);
});

root(test)('the exit code, the signal, kill and state', async () => {
  const id = lab.name();
  const bundle = lab.bundle(
    args('sh', '-c', 'trap "exit 9" USR1; echo ready; while :; do sleep 1000 & wait; done'),
  );
  const container = await runtime.run(id, { bundle, stdio: ['ignore', 'pipe', 'ignore'] });
  await new Promise((resolve) => container.stdout?.once('data', resolve));
  const state = await runtime.state(id);
  assert.equal([state.status, state.pid], ['running', container.pid]);
  container.kill('SIGUSR1');
  assert.equal(await container.wait(), { code: 9 });

  const killed = await runtime.run(lab.name(), { bundle, stdio: quiet });
  killed.kill('KILL');
  assert.equal(await killed.wait(), { signal: 9 });
});

root(test)("what plan returns is the caller's own", async () => {
  const bundle = lab.bundle(args('true'));
  const before = await runtime.plan(bundle);
  const changed = (await runtime.plan(bundle)) as unknown as Record<string, unknown[]>;
  for (const operation of changed['start'] as Record<string, string[]>[])
    operation['args']?.push('changed');
  assert.equal(await runtime.plan(bundle), before);
});

root(test)('a create that fails keeps no descriptor', async () => {
  const bundle = lab.bundle(args('sleep', '1000'));
  const first = lab.name();
  await runtime.create(first, { bundle, stdio: quiet });
  // Of the same cgroup, which has a process now.
  const fails = () => failure(runtime.run(lab.name(), { bundle, stdio: piped }));
  assert.match((await fails()).message, 'not empty');
  const before = openDescriptors();
  await fails();
  assert.is(openDescriptors(), before);
  await runtime.delete(first, { force: true });
});

root(test)('create, start, kill, delete', async () => {
  const id = lab.name();
  await runtime.create(id, { bundle: lab.bundle(args('sleep', '1000')), stdio: quiet });
  assert.is((await runtime.state(id)).status, 'created');
  await runtime.start(id);
  assert.is((await runtime.state(id)).status, 'running');
  assert.is((await failure(runtime.delete(id))).code, 'INVALID_STATE');
  await runtime.kill(id, 9);
  await runtime.delete(id, { force: true });
  assert.is((await failure(runtime.state(id))).code, 'CONTAINER_NOT_FOUND');
});

root(test)('keep leaves the container until it is deleted', async () => {
  const id = lab.name();
  const container = await runtime.run(id, { bundle: lab.bundle(), stdio: quiet, keep: true });
  await container.wait();
  assert.is((await runtime.state(id)).status, 'stopped');
  await runtime.delete(id);
});

root(test)(
  'an AbortSignal that fired before, fires during the start, or while it runs',
  async () => {
    const bundle = lab.bundle(args('sleep', '1000'));
    const reason = new Error('no longer wanted');
    const run = (signal: AbortSignal): Promise<RunningContainer> =>
      runtime.run(lab.name(), { bundle, stdio: quiet, signal });
    await rejectsWith(run(AbortSignal.abort(reason)), reason);
    assert.equal(lab.traces(), []);

    for (let turn = 0; turn < 20; turn++) {
      const controller = new AbortController();
      const started = run(controller.signal);
      // At some moment of the set-up, of which there are more than one at each turn of the loop.
      for (let wait = 0; wait < turn; wait++) await new Promise(setImmediate);
      controller.abort(reason);
      const outcome = await started.then(
        (container) => container.wait(),
        (error: unknown) => error,
      );
      if (outcome !== reason) assert.equal(outcome, { signal: 9 });
      assert.equal(lab.traces(), [], `aborted after ${turn} turns of the event loop`);
    }

    const controller = new AbortController();
    const container = await run(controller.signal);
    controller.abort(reason);
    assert.equal(await container.wait(), { signal: 9 });
  },
);

root(test)('fifty containers at once', async () => {
  const bundles = Array.from({ length: 50 }, (_, index) => lab.bundle(args('echo', String(index))));
  const outputs = await Promise.all(
    bundles.map(async (bundle) => {
      const container = await runtime.run(lab.name(), {
        bundle,
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      assert.ok(container.stdout);
      const output = await text(container.stdout);
      assert.equal(await container.wait(), { code: 0 });
      return output.trim();
    }),
  );
  assert.equal(
    outputs,
    bundles.map((_, index) => String(index)),
  );
});

root(test)('errors have code, errno, syscall, path and stage', async () => {
  const run = (mutate: Mutate): Promise<TsruncError> =>
    failure(runtime.run(lab.name(), { bundle: lab.bundle(mutate), stdio: quiet }));
  const facts = ({ code, errno, syscall, path, stage }: TsruncError): unknown[] => [
    code,
    errno,
    syscall,
    path,
    stage,
  ];
  assert.equal(facts(await run(args('/no/such'))), ['ENOENT', 2, 'exec', '/no/such', 'create']);
  const mount = await run((spec) => {
    spec.mounts.push({ destination: '/tmp', source: '/no/source', options: ['bind'] });
  });
  assert.equal(
    [mount.code, mount.errno, mount.path, mount.stage],
    ['ENOENT', 2, '/no/source', 'create'],
  );
  const config = await run((spec) => void (spec.process.cwd = 'relative'));
  assert.equal([config.code, config.stage], ['INVALID_CONFIG', 'config']);
  // No host of these tests has SELinux on; some have AppArmor.
  const unsupported = await run((spec) => void (spec.process.selinuxLabel = 'x'));
  assert.is(unsupported.code, 'UNSUPPORTED');
  const hook = await run((spec) => void (spec.hooks.createRuntime = [{ path: '/bin/false' }]));
  assert.equal([hook.code, hook.path, hook.stage], ['HOOK_FAILED', '/bin/false', 'hooks']);
  assert.is((await failure(runtime.start('nobody'))).code, 'CONTAINER_NOT_FOUND');
  assert.is((await failure(runtime.start('../x'))).code, 'INVALID_ARGUMENT');
  assert.is((await failure(runtime.create('x', { stdio: piped }))).code, 'INVALID_ARGUMENT');
});

root(test)('two hundred runs, good and bad, leave no descriptor open', async () => {
  // One of each for those that run at the same time: a cgroup is for one container only.
  const good = [0, 1, 2, 3].map(() => lab.bundle());
  const bad = good.map(() => lab.bundle(args('nothere')));
  const once = async (index: number): Promise<void> => {
    const fails = index % 5 === 0;
    const bundle = (fails ? bad : good)[index % 4] ?? '';
    const run = runtime.run(lab.name(), { bundle, stdio: index % 2 === 0 ? quiet : piped });
    if (fails) return void (await failure(run));
    const container = await run;
    container.stdin?.destroy();
    const ends = [container.stdout, container.stderr].map((stream) =>
      stream === null ? '' : text(stream),
    );
    await Promise.all([container.wait(), ...ends]);
  };
  await once(0);
  await once(1);
  const before = openDescriptors();
  for (let index = 0; index < 200; index += 4) {
    // Four at a time: each has to do with the others' descriptors, too.
    await Promise.all([0, 1, 2, 3].map((offset) => once(index + offset)));
  }
  assert.is(openDescriptors(), before);
});

async function rejectsWith(act: Promise<unknown>, reason: unknown): Promise<void> {
  assert.is(
    await act.then(
      () => undefined,
      (error: unknown) => error,
    ),
    reason,
  );
}

lab.finish(test);
