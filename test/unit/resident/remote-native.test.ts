import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { LocalNative, ReceivedMessage } from '../../../ts/native/native.js';
import { Connection } from '../../../ts/resident/connection.js';
import { remoteNative } from '../../../ts/resident/remote-native.js';

const u32 = (...values: number[]): number[] => [...new Uint8Array(Uint32Array.from(values).buffer)];
const SOCKET = 20;
const PIDFD = 21;

/** A host's call whose launcher is this test: it says what is in `said`, in turn. */
function begin() {
  const waitedFor: number[] = [];
  let hear: (message: ReceivedMessage | undefined) => void = () => {};
  const local = {
    image: () => 19,
    send: () => {},
    close: () => {},
    receive: () =>
      new Promise((resolve) => {
        hear = resolve;
      }),
    waitGone: async (fd: number) => {
      waitedFor.push(fd);
    },
  } as unknown as LocalNative;
  const connection = new Connection(local, SOCKET);
  const listening = connection.listen();
  const say = async (data?: readonly number[], fds: readonly number[] = []): Promise<void> => {
    hear(data && { data: Uint8Array.from(data), fds });
    await new Promise(setImmediate);
  };
  return { native: remoteNative(local, connection), say, listening, waitedFor };
}

test('a child whose end was told is not looked for when the launcher has gone: its pidfd is closed by then', async () => {
  const { native, say, listening, waitedFor } = begin();
  const spawned = native.spawn({ fds: [], args: [] });
  await say([2, ...u32(7)], [PIDFD]);
  assert.equal(await spawned, { pid: 7, pidfd: PIDFD });
  const exit = native.waitExit(PIDFD, { pid: 7 });
  await say([4, ...u32(7, 3, 0)]);
  assert.equal(await exit, { code: 3 });
  await say();
  await listening;
  assert.equal(waitedFor, []);
});

test('a child of a launcher that has gone is looked for', async () => {
  const { native, say, waitedFor } = begin();
  const spawned = native.spawn({ fds: [], args: [] });
  await say([2, ...u32(7)], [PIDFD]);
  await spawned;
  const exit = native.waitExit(PIDFD, { pid: 7 });
  await say();
  assert.equal(await exit, { signal: 9 });
  assert.equal(waitedFor, [PIDFD]);
});

test('what is to be spawned when the launcher goes never is', async () => {
  const { native, say } = begin();
  const refused = Promise.resolve(native.spawn({ fds: [], args: [] })).then(
    () => 'spawned',
    ({ code }) => code,
  );
  await say();
  assert.is(await refused, 'ABORTED');
});

test.run();
