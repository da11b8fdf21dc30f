import { readFileSync } from 'node:fs';

/** The running kernel's release, `6.1.0-18-amd64`. As os.release(), whose module costs more to load than the file to read. */
export function kernelRelease(): string {
  return readFileSync('/proc/sys/kernel/osrelease', 'latin1').trim();
}
