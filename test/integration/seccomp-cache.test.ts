import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { loadNative } from '../../ts/native/addon.js';
import { FilterCache } from '../../ts/state/filter-cache.js';
import { Lab, type Mutate } from '../support/lab.js';
import { skipUnless } from '../support/skip.js';

const lab = new Lab();
const root = skipUnless(process.geteuid?.() === 0, 'root');
const native = loadNative();

const key = 'a'.repeat(64);
const compiled = { filter: Buffer.from('0123456789abcdef'), unknown: ['sing', 'dance'] };

/** A cache with one entry, below a state root of its own. */
function filled() {
  const state = join(lab.folder, lab.name());
  mkdirSync(state, { mode: 0o700 });
  const cache = new FilterCache(state, native);
  cache.keep(key, compiled);
  const folder = join(state, '@seccomp');
  return { cache, state, folder, file: join(folder, key) };
}

test('what is kept is found again, whole, and by its key alone', () => {
  const { cache, folder, file } = filled();
  const found = cache.find(key);
  assert.equal(Buffer.from(found?.filter ?? []), compiled.filter);
  assert.equal(found?.unknown, compiled.unknown);
  assert.is(cache.find('b'.repeat(64)), undefined);
  assert.is(statSync(folder).mode & 0o777, 0o700);
  assert.is(statSync(file).mode & 0o777, 0o600);
});

const spoilt: readonly (readonly [string, (place: ReturnType<typeof filled>) => void])[] = [
  [
    'a changed byte',
    ({ file }) => {
      const bytes = readFileSync(file);
      bytes[bytes.length - 1] = 0;
      writeFileSync(file, bytes);
    },
  ],
  [
    'a changed list of names',
    ({ file }) =>
      writeFileSync(file, readFileSync(file, 'latin1').replace('sing', 'ring'), 'latin1'),
  ],
  ['a torn end', ({ file }) => writeFileSync(file, readFileSync(file).subarray(0, -8))],
  ['nothing in it', ({ file }) => writeFileSync(file, '')],
  ['another user as its owner', ({ file }) => chownSync(file, 1000, 1000)],
  ['a mode that lets others write', ({ file }) => chmodSync(file, 0o666)],
  [
    'a link in its place',
    ({ file }) => {
      renameSync(file, `${file}-moved`);
      symlinkSync(`${file}-moved`, file);
    },
  ],
  [
    'the name of another',
    ({ file, folder }) => {
      renameSync(file, join(folder, 'c'.repeat(64)));
      renameSync(join(folder, 'c'.repeat(64)), file.replace(key, 'd'.repeat(64)));
    },
  ],
  ['a folder of another user', ({ folder }) => chownSync(folder, 1000, 1000)],
  ['a folder that others may look into', ({ folder }) => chmodSync(folder, 0o755)],
  [
    'a link to its folder',
    ({ folder }) => {
      renameSync(folder, `${folder}-moved`);
      symlinkSync(`${folder}-moved`, folder);
    },
  ],
];
for (const [what, spoil] of spoilt) {
  root(test)(`an entry is not used with ${what}`, () => {
    const place = filled();
    assert.ok(place.cache.find(key));
    spoil(place);
    assert.is(place.cache.find(key), undefined);
    assert.is(place.cache.find('d'.repeat(64)), undefined);
  });
}

test('the oldest entries go', () => {
  const { cache, folder } = filled();
  utimesSync(join(folder, key), 1, 1);
  for (let n = 0; n < 70; n++) cache.keep(String(n).padStart(64, '0'), compiled);
  assert.is(readdirSync(folder).length, 64);
  assert.is(cache.find(key), undefined);
  assert.ok(cache.find('69'.padStart(64, '0')));
});

test('a folder that cannot be made is no error', () => {
  const file = join(lab.folder, lab.name());
  writeFileSync(file, '');
  new FilterCache(file, native).keep(key, compiled);
  assert.is(new FilterCache(file, native).find(key), undefined);
});

test('the hash is SHA-256', () => {
  const hex = (text: string) => Buffer.from(native.sha256(Buffer.from(text))).toString('hex');
  // FIPS 180-2, appendix B.
  assert.is(hex(''), 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
  assert.is(hex('abc'), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  assert.is(
    hex('abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq'),
    '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
  );
  assert.is(
    hex('a'.repeat(1_000_000)),
    'cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0',
  );
});

const denying =
  (errnoRet: number): Mutate =>
  (spec) => {
    spec.linux.seccomp = {
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet }],
    };
  };

root(test)('containers have their own filters, from the cache or not', () => {
  const folder = join(lab.root, '@seccomp');
  const mkdir = 'mkdir /dev/shm/x 2>&1; true';
  for (let round = 0; round < 2; round++) {
    assert.match(lab.inside(mkdir, denying(28)), 'No space left');
    assert.match(lab.inside(mkdir, denying(5)), /I\/O error|Input\/output error/);
    assert.is(readdirSync(folder).length, 2);
  }
  for (const name of readdirSync(folder)) writeFileSync(join(folder, name), 'rubbish');
  assert.match(lab.inside(mkdir, denying(28)), 'No space left');
  rmSync(folder, { recursive: true });
  lab.inside('true');
  assert.not.ok(existsSync(folder), 'no filter, no cache');
});

lab.finish(test);
