/**
 * `oci-layout.mjs ROOTFS.tar OUT.tar`: writes an OCI image layout with one layer, as containerd imports it. Unless told
 * otherwise a container of it sleeps, as the first one of a pod has to.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const [rootfs, out] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'oci-'));
mkdirSync(join(folder, 'blobs/sha256'), { recursive: true });

function blob(mediaType, content) {
  const bytes = Buffer.isBuffer(content) ? content : Buffer.from(JSON.stringify(content));
  const hash = createHash('sha256').update(bytes).digest('hex');
  writeFileSync(join(folder, 'blobs/sha256', hash), bytes);
  return { mediaType, digest: `sha256:${hash}`, size: bytes.length };
}

const layer = blob('application/vnd.oci.image.layer.v1.tar', readFileSync(rootfs));
const config = blob('application/vnd.oci.image.config.v1+json', {
  architecture: process.arch === 'x64' ? 'amd64' : process.arch,
  os: 'linux',
  config: { Env: ['PATH=/bin:/usr/bin:/sbin:/usr/sbin'], Cmd: ['sleep', '2147483647'] },
  rootfs: { type: 'layers', diff_ids: [layer.digest] },
});
const manifest = blob('application/vnd.oci.image.manifest.v1+json', {
  schemaVersion: 2,
  mediaType: 'application/vnd.oci.image.manifest.v1+json',
  config,
  layers: [layer],
});
const name = { annotations: { 'io.containerd.image.name': 'example.test/busybox:latest' } };
const index = { schemaVersion: 2, manifests: [{ ...manifest, ...name }] };
writeFileSync(join(folder, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
writeFileSync(join(folder, 'index.json'), JSON.stringify(index));
execFileSync('tar', ['-C', folder, '-cf', out, '.']);
rmSync(folder, { recursive: true });
