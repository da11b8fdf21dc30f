/**
 * What init and the launcher read, by libFuzzer with AddressSanitizer and UBSan: cpp/test/*_fuzz.cc, from examples of
 * what is really sent and from what earlier runs found to lead further, in test/corpora. TSRUNC_FUZZ_SECONDS says for how
 * long each; then what leads further still is added there.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { encode } from '../../../ts/native/encode.js';
import { plan } from '../../../ts/plan/plan.js';
import { encodeOrders } from '../../../ts/resident/wire.js';
import { defaultSpec } from '../../../ts/spec/default.js';
import { isSanitized, skipUnless } from '../../support/skip.js';
import { requestFor, smallSpec } from '../plan/fixture.js';

const sources = fileURLToPath(new URL('../../../cpp/test/', import.meta.url));
const corpora = fileURLToPath(new URL('../../corpora/', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'tsrunc-fuzz-'));
const flags = ['-std=c++20', '-g', '-O1', '-fsanitize=fuzzer,address,undefined'];
const seconds = process.env['TSRUNC_FUZZ_SECONDS'] ?? '3';

/** Whether a program can be built that does nothing but this. */
function hasLibFuzzer(): boolean {
  const code =
    'extern "C" int LLVMFuzzerTestOneInput(const unsigned char*, unsigned long) { return 0; }';
  const args = [...flags, '-x', 'c++', '-', '-o', join(folder, 'empty')];
  return spawnSync('clang++', args, { input: code }).status === 0;
}

const test = suite('fuzz');
const fuzz = skipUnless(
  !isSanitized && hasLibFuzzer(),
  'clang++ with libFuzzer, and no other sanitizers',
)(test);

/** Of a Program what comes after its header, as the targets read it. */
const programs = [smallSpec(), defaultSpec()].map((spec) => {
  const program = plan(requestFor(spec));
  const start = program.start.filter(({ op }) => op !== 'loadSeccomp');
  return encode({ ...program, start }).subarray(12);
});

const orders = [
  encodeOrders([
    { name: 'took', fields: { undo: ['delete', '--force', 'a'] } },
    { name: 'spawn', fields: { callers: [0, 1, 2], args: ['3'], intoCgroup: true } },
  ]),
  encodeOrders([{ name: 'write', fields: { descriptor: 1, text: 'words' } }]),
];

for (const [name, examples] of Object.entries({ program: programs, messages: orders })) {
  fuzz(`${name}: any bytes`, () => {
    const corpus = join(folder, name);
    const kept = join(corpora, name);
    mkdirSync(corpus);
    for (const [index, example] of examples.entries())
      writeFileSync(join(corpus, String(index)), example);
    const program = join(folder, `${name}-fuzz`);
    const built = spawnSync('clang++', [...flags, join(sources, `${name}_fuzz.cc`), '-o', program]);
    assert.is(built.status, 0, String(built.stderr));
    const { status, stderr } = spawnSync(
      program,
      [`-max_total_time=${seconds}`, '-max_len=8192', `-artifact_prefix=${folder}/`, corpus, kept],
      { encoding: 'utf8' },
    );
    assert.is(status, 0, stderr.slice(-4000));
    // It has gone into what the examples have, not only looked at their first bytes.
    const covered = Number([...stderr.matchAll(/cov: (\d+)/g)].at(-1)?.[1]);
    assert.ok(covered > 50, `${covered} places were reached`);
    if (process.env['TSRUNC_FUZZ_SECONDS'] === undefined) return;
    console.log(stderr.slice(-700));
    const merged = spawnSync(program, ['-merge=1', '-max_len=8192', kept, corpus]);
    assert.is(merged.status, 0, String(merged.stderr).slice(-4000));
  });
}

test.after(() => rmSync(folder, { recursive: true }));
test.run();
