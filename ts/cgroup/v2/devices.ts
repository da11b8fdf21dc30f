import { closeSync, openSync } from 'node:fs';
import { isSystemError } from '../../errors.js';
import type { LinuxDeviceCgroup } from '../../spec/types.js';
import { mayRuleDevices, resolveDeviceRules } from '../device-rules.js';
import { cgroupFailure } from '../failure.js';
import type { CgroupNative } from '../signals.js';
import { compileDeviceProgram } from './device-program.js';

/**
 * Makes a program judge on the devices of a cgroup v2, in the place of the one of earlier rules. Programs of others
 * stay: all have to agree.
 *
 * @throws TsruncError of stage `cgroup` when the kernel refuses it
 */
export function ruleDevices(
  directory: string,
  rules: readonly LinuxDeviceCgroup[],
  native: CgroupNative,
): void {
  const program = compileDeviceProgram(resolveDeviceRules(rules));
  const fd = openSync(directory, 'r');
  try {
    native.attachDeviceProgram(fd, program);
  } catch (error) {
    if (!isSystemError(error)) throw error;
    if (error.code === 'EPERM' && !mayRuleDevices()) return;
    throw cgroupFailure(
      `linux.resources.devices could not be applied to the cgroup ${directory}: ${error.message}: the kernel needs CONFIG_CGROUP_BPF, and the caller CAP_BPF or CAP_SYS_ADMIN`,
      error,
      directory,
    );
  } finally {
    closeSync(fd);
  }
}
