import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Network plugins (CNI) that connect nothing, and the network that they make, all in a new folder, which is returned: a
 * daemon wants an address of each pod.
 */
export function makeNetworkPlugins(folder: string): string {
  mkdirSync(folder);
  const version = '"cniVersion":"0.4.0"';
  const list = `{${version},"name":"pods","plugins":[{"type":"nothing"}]}`;
  writeFileSync(join(folder, 'nothing.conflist'), list);
  const made = `{${version},"interfaces":[{"name":"eth0","sandbox":"'$CNI_NETNS'"}],"ips":[{"version":"4","interface":0,"address":"10.0.0.2/24"}]}`;
  const script = `#!/bin/sh
case $CNI_COMMAND in
ADD) echo '${made}' ;;
VERSION) echo '{${version},"supportedVersions":["0.3.1","0.4.0"]}' ;;
esac
`;
  for (const name of ['nothing', 'loopback'])
    writeFileSync(join(folder, name), script, { mode: 0o755 });
  return folder;
}
