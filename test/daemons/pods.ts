/** Pods, as the kubelet makes them by the Container Runtime Interface: the same for each daemon that has it. */
import { mkdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { type Bed, image, notInPath } from './bed.js';
import { cgroupsOf, limitOf } from './cgroups.js';
import { Cri, type Pod, type PodOptions } from './cri.js';

/** A daemon whose handler `under-test` is the runtime under test. */
export interface PodDaemon {
  readonly socket: string;
  /** The daemon may hear of the image later. */
  start(): Promise<void>;
}

const waiter = ['sh', '-c', 'trap "exit 9" TERM; echo ready; while :; do sleep 0.05; done'];

/** A stop has to kill it. */
const stubborn = ['sh', '-c', 'trap "" TERM; while :; do sleep 0.05; done'];

/** Adds the tests. */
export function checkPods(bed: Bed, daemon: PodDaemon): void {
  const logs = join(bed.folder, 'logs');
  let cri: Cri;
  bed.before(async () => {
    mkdirSync(logs);
    await daemon.start();
    cri = new Cri(daemon.socket);
    console.log(`# ${await cri.version()}`);
    // Each question is a call, so this is no busy loop.
    for (const until = Date.now() + 60_000; !(await cri.hasImage(image)); )
      assert.ok(Date.now() < until, 'the image is not there');
  });

  async function withPod(
    body: (pod: Pod) => Promise<void>,
    options: Partial<PodOptions> = {},
  ): Promise<void> {
    const pod = await cri.runPod({ handler: 'under-test', logs, ...options });
    try {
      await body(pod);
    } finally {
      await cri.removePod(pod);
    }
  }

  /** Resolves when a container has ended. */
  async function ended(id: string): Promise<{ state: string; code: number; reason: string }> {
    for (const until = Date.now() + 60_000; ; ) {
      const status = await cri.status(id);
      if (status.state === 'exited') return status;
      assert.ok(Date.now() < until, `${id} goes on`);
    }
  }

  /** What a container has written, without what the log says of each line. */
  const output = (name: string): string[] =>
    readFileSync(join(logs, `${name}.log`), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => line.split(' ').slice(3).join(' '));

  bed.check('a pod with a container that ends: its output and its status', () =>
    withPod(async (pod) => {
      const script = 'echo out $A; hostname; cat /data/file; exit 7';
      // Beside the daemon's own folder: CRI-O wants more of a mount that would show that.
      const data = join(bed.folder, 'data');
      mkdirSync(data);
      writeFileSync(join(data, 'file'), 'mounted\n');
      const mounts = [{ from: data, to: '/data' }];
      const id = await cri.create(pod, 'ends', ['sh', '-c', script], {
        image,
        mounts,
        env: { A: 'b' },
      });
      assert.is((await cri.status(id)).state, 'created');
      await cri.start(id);
      const { code, reason } = await ended(id);
      assert.equal([code, reason], [7, 'Error']);
      assert.equal(output('ends'), ['out b', 'pod1', 'mounted']);
      await cri.remove(id);
    }),
  );

  bed.check('the containers of a pod share its network and hostname, not their processes', () =>
    withPod(async (pod) => {
      const ids = await Promise.all(
        ['first', 'second'].map((name) => cri.create(pod, name, waiter, { image })),
      );
      await Promise.all(ids.map((id) => cri.start(id)));
      const namespaces = async (kind: string): Promise<string[]> => {
        const all = ids.map((id) => cri.exec(id, ['readlink', `/proc/1/ns/${kind}`]));
        return (await Promise.all(all)).map(({ stdout }) => stdout.trim());
      };
      for (const kind of ['net', 'ipc', 'uts']) {
        const [first, second] = await namespaces(kind);
        assert.is(first, second, kind);
        assert.is.not(first, readlinkSync(`/proc/self/ns/${kind}`), kind);
      }
      const [first, second] = await namespaces('pid');
      assert.is.not(first, second);
      await Promise.all(ids.map((id) => cri.stop(id, 120)));
      for (const id of ids) assert.is((await ended(id)).code, 9);
    }),
  );

  bed.check('exec: output, status, a command that is not there', () =>
    withPod(async (pod) => {
      const id = await cri.create(pod, 'execs', stubborn, { image });
      await cri.start(id);
      const script = 'echo out; echo err >&2; exit 5';
      assert.equal(await cri.exec(id, ['sh', '-c', script]), {
        code: 5,
        stdout: 'out\n',
        stderr: 'err\n',
      });
      const failure = await cri.exec(id, ['nix']).catch((error: Error) => error.message);
      assert.match(String(failure), notInPath);
      // As a liveness probe does, and many of them.
      const probes = Array.from({ length: 30 }, (_, index) =>
        cri.exec(id, ['sh', '-c', `exit ${index}`]),
      );
      assert.equal(
        (await Promise.all(probes)).map(({ code }) => code),
        Array.from({ length: 30 }, (_, index) => index),
      );
      await cri.stop(id, 0);
      assert.is((await ended(id)).code, 137);
    }),
  );

  bed.check('the security context and the limits of a container', () =>
    withPod(
      async (pod) => {
        const options = {
          image,
          user: 1000,
          readonlyRootfs: true,
          dropAll: true,
          memory: 64 * 1024 * 1024,
        };
        const id = await cri.create(pod, 'secure', ['sleep', '1000'], options);
        await cri.start(id);
        const script =
          'id -u; touch /x 2>/dev/null || echo ro; grep CapEff /proc/self/status; cat /proc/sys/kernel/shm_rmid_forced';
        const { stdout } = await cri.exec(id, ['sh', '-c', script]);
        assert.equal(stdout.trim().split('\n'), ['1000', 'ro', 'CapEff:\t0000000000000000', '1']);
        const limit = (): string | undefined => limitOf(id, 'memory.limit_in_bytes', 'memory.max');
        if (limit() === undefined) return;
        assert.is(limit(), '67108864');
        await cri.update(id, 128 * 1024 * 1024);
        assert.is(limit(), '134217728');
        const { cpuNanoseconds, memoryBytes } = await cri.stats(id);
        assert.ok(cpuNanoseconds > 0 && memoryBytes > 0, `${cpuNanoseconds} ${memoryBytes}`);
      },
      { sysctls: { 'kernel.shm_rmid_forced': '1' } },
    ),
  );

  bed.check('a command that is not there: the sentence, and the pod goes on', () =>
    withPod(async (pod) => {
      // containerd calls the runtime's create in its start, CRI-O in its create.
      const failure = await cri
        .create(pod, 'missing', ['/nix'], { image })
        .then((id) => cri.start(id).finally(() => cri.remove(id)))
        .catch((error: Error) => error.message);
      assert.match(String(failure), /no such file or directory/i);
      const other = await cri.create(pod, 'other', ['true'], { image });
      await cri.start(other);
      assert.is((await ended(other)).code, 0);
    }),
  );

  bed.check('what is read from `features`', async () => {
    const handlers = await cri.handlers();
    // containerd before 2.0 asks nobody.
    const own = handlers.get('under-test');
    if (handlers.size > 0 && bed.runtimeName === 'tsrunc')
      assert.equal(own, { readonlyMounts: true, userNamespaces: true });
  });

  bed.check('nothing of the pods is left', async () => {
    assert.equal(await cri.all(), []);
    assert.equal(
      cgroupsOf('').filter((path) => /[0-9a-f]{64}/.test(path)),
      [],
    );
    cri.close();
  });
}
