/** A virtual machine under emulation, from its start to its end, which comes with that of this process at the latest. */
import { spawn } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { StepError } from '../steps.mjs';

/** Seconds to the job's first word; half a minute on a machine with nothing else to do. */
const bootTime = 900;

/** How the job says its end; see job.sh. */
const verdict = /^virtual machine: the job ended with status (\d+)\r?$/;

/** A file that the job sends, in base64. */
const parcel = /^virtual machine: file (\S+) (\S+)\r?$/;

/** @param options `folder` has the kernel and the disk, `project` is the second disk, `kernelOptions` are added to the command line. */
function commandLine({ folder, project, console, kernelOptions }) {
  // The first of two disks is never written: what the guest changes is in a temporary file of qemu's.
  const disk = (file, format) => `file=${file},format=${format},if=virtio,cache=unsafe,snapshot=on`;
  return [
    'qemu-system-x86_64',
    ...['-accel', 'tcg,thread=multi,tb-size=1024', '-cpu', 'max', '-m', '4096'],
    ...['-smp', String(Math.min(4, availableParallelism()))],
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot'],
    ...['-serial', `file:${console}`, '-serial', 'stdio', '-device', 'virtio-rng-pci'],
    ...['-drive', disk(join(folder, 'root.ext4'), 'raw'), '-drive', disk(project, 'raw')],
    ...['-kernel', join(folder, 'vmlinuz'), '-initrd', join(folder, 'initrd.img')],
    '-append',
    `console=ttyS0 panic=-1 systemd.show_status=0 mitigations=off transparent_hugepage=madvise ${kernelOptions}`,
  ];
}

/**
 * Boots, prints what the job prints and resolves with the job's exit status, and the contents of the files that it sent,
 * once the machine is off.
 * Throws when it ends without a verdict, or is ended for having said nothing for `silence` seconds.
 */
export function boot({ silence, interactive, ...options }) {
  return new Promise((resolve, reject) => {
    // Whatever ends this process, also SIGKILL: the machine ends with it.
    const command = ['--pdeathsig', 'KILL', 'nice', '-n', '5', ...commandLine(options)];
    const child = spawn('setpriv', command, {
      stdio: [interactive ? 'inherit' : 'ignore', 'pipe', 'pipe'],
      env: { ...process.env, TMPDIR: options.scratch },
    });
    const files = new Map();
    let line = '';
    let status;
    const take = (text) => {
      const [, name, content] = parcel.exec(text) ?? [];
      if (name !== undefined) return files.set(name, Buffer.from(content, 'base64'));
      // What comes after the verdict is the machine's own farewell.
      if (status === undefined) status = verdict.exec(text)?.[1];
      if (status === undefined) process.stdout.write(`${text}\n`);
    };
    let complaint = '';
    let timer;
    const listen = (seconds) => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        complaint = `it said nothing for ${seconds} s and was ended`;
        child.kill('SIGKILL');
      }, seconds * 1000);
    };
    listen(bootTime);
    child.stdout.setEncoding('utf8').on('data', (data) => {
      listen(silence);
      if (interactive) return process.stdout.write(data);
      const lines = `${line}${data}`.split('\n');
      line = lines.pop();
      lines.forEach(take);
    });
    child.stderr.on('data', (data) => {
      complaint += data;
    });
    child.on('error', (error) => reject(new StepError(`qemu can't be started: ${error.message}`)));
    child.on('close', async () => {
      clearTimeout(timer);
      if (line !== '') take(line);
      if (interactive) return resolve({ status: 0, files });
      if (status !== undefined) return resolve({ status: Number(status), files });
      const end = await lastLines(options.console);
      const why = complaint.trim() || 'see the end of its console above';
      reject(
        new StepError(
          `${end}\nThe virtual machine ended before its job (${why}); its console is in ${options.console}.`,
        ),
      );
    });
  });
}

async function lastLines(file) {
  const chunks = [];
  try {
    for await (const chunk of createReadStream(file)) chunks.push(chunk);
  } catch {
    return '';
  }
  return Buffer.concat(chunks).toString().trimEnd().split('\n').slice(-25).join('\n');
}
