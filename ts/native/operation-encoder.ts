// Made by `npm run generate` from ts/plan/operations.ts and messages.ts. Don't edit.
import type { Operation } from '../plan/operations.js';
import type { Encoder } from './encode.js';

/** Of the tables of operations and messages; init refuses a Program made from others than it was. */
export const FINGERPRINT = 0x8f758276;

const names =
  ' setDumpable openProc awaitCgroup joinCgroups openCgroup setOomScoreAdj setAffinity raiseRlimit enterRootfs openSource openFileSystem openNode makeUserNamespace openNamespace openTimeOffsets joinNamespaces takeRootOf joinProcess createUserNamespace becomeRoot createTimeNamespace clone newSession joinSessionKeyring setHostname setDomainname awaitNetDevices loopbackUp writeSysctl setMountPropagation openRoot adoptRoot mount bindMount makeNode bindNode symlink openConsole enterCgroup awaitHooks runHook changeRoot setRootPropagation remount maskPath readonlyPath makeWorkingDirectory changeDirectory findExecutable setMemoryPolicy setPersonality writeAttribute awaitStart findHome setNice setScheduler setIoPriority prepareExec setRlimit setSoftLimit setUmask setNoNewPrivileges loadSeccomp setBoundingSet setUser setCapabilities announceExec exec';

/** The operations by their codes, from 1. */
export const operationNames = (): string[] => names.split(' ');

/** Writes an operation's arguments, in the table's order, and returns its code. */
export function writeArguments(out: Encoder, operation: Operation): number {
  switch (operation.op) {
    case 'setDumpable':
      out.bool(operation.value);
      return 1;
    case 'openProc':
      return 2;
    case 'awaitCgroup':
      out.bool(operation.announced);
      return 3;
    case 'joinCgroups':
      out.strings(operation.files);
      return 4;
    case 'openCgroup':
      out.string(operation.file);
      return 5;
    case 'setOomScoreAdj':
      out.i32(operation.value);
      return 6;
    case 'setAffinity':
      out.numbers(operation.cpus);
      return 7;
    case 'raiseRlimit':
      out.u32(operation.resource);
      out.u64(operation.hard);
      return 8;
    case 'enterRootfs':
      out.string(operation.source);
      return 9;
    case 'openSource':
      out.u32(operation.slot);
      out.string(operation.source);
      out.bool(operation.recursive);
      out.u32(operation.userNamespace);
      out.bool(operation.mapAll);
      return 10;
    case 'openFileSystem':
      out.u32(operation.slot);
      out.string(operation.type);
      out.string(operation.source);
      out.strings(operation.options);
      out.u32(operation.userNamespace);
      out.bool(operation.mapAll);
      return 11;
    case 'openNode':
      out.u32(operation.slot);
      out.string(operation.path);
      out.string(operation.file);
      out.u32(operation.type);
      out.u32(operation.major);
      out.u32(operation.minor);
      out.u32(operation.mode);
      out.u32(operation.uid);
      out.u32(operation.gid);
      return 12;
    case 'makeUserNamespace':
      out.u32(operation.slot);
      out.string(operation.uidMap);
      out.string(operation.gidMap);
      return 13;
    case 'openNamespace':
      out.u32(operation.slot);
      out.string(operation.file);
      return 14;
    case 'openTimeOffsets':
      return 15;
    case 'joinNamespaces':
      out.numbers(operation.types);
      out.strings(operation.files);
      out.u32(operation.foreign);
      return 16;
    case 'takeRootOf':
      out.u32(operation.pid);
      return 17;
    case 'joinProcess':
      out.u32(operation.flags);
      return 18;
    case 'createUserNamespace':
      return 19;
    case 'becomeRoot':
      out.u32(operation.uid);
      out.u32(operation.gid);
      return 20;
    case 'createTimeNamespace':
      out.string(operation.offsets);
      return 21;
    case 'clone':
      out.u32(operation.flags);
      return 22;
    case 'newSession':
      return 23;
    case 'joinSessionKeyring':
      out.string(operation.name);
      return 24;
    case 'setHostname':
      out.string(operation.name);
      return 25;
    case 'setDomainname':
      out.string(operation.name);
      return 26;
    case 'awaitNetDevices':
      return 27;
    case 'loopbackUp':
      return 28;
    case 'writeSysctl':
      out.string(operation.name);
      out.string(operation.value);
      return 29;
    case 'setMountPropagation':
      out.u32(operation.flags);
      return 30;
    case 'openRoot':
      out.bool(operation.mount);
      out.bool(operation.privateParent);
      out.u32(operation.propagation);
      return 31;
    case 'adoptRoot':
      return 32;
    case 'mount':
      out.string(operation.target);
      out.string(operation.type);
      out.string(operation.source);
      out.u32(operation.slot);
      out.strings(operation.options);
      out.u32(operation.flags);
      out.bool(operation.noSymlinks);
      out.bool(operation.keepMode);
      out.bool(operation.keepOwner);
      out.bool(operation.copyUp);
      out.u64(operation.set);
      out.u64(operation.clear);
      out.u64(operation.recursiveSet);
      out.u64(operation.recursiveClear);
      out.numbers(operation.propagation);
      return 33;
    case 'bindMount':
      out.string(operation.target);
      out.string(operation.source);
      out.u32(operation.slot);
      out.bool(operation.recursive);
      out.bool(operation.noSymlinks);
      out.u64(operation.set);
      out.u64(operation.clear);
      out.u64(operation.recursiveSet);
      out.u64(operation.recursiveClear);
      out.numbers(operation.propagation);
      return 34;
    case 'makeNode':
      out.string(operation.path);
      out.u32(operation.type);
      out.u32(operation.major);
      out.u32(operation.minor);
      out.u32(operation.mode);
      out.u32(operation.uid);
      out.u32(operation.gid);
      return 35;
    case 'bindNode':
      out.string(operation.path);
      out.string(operation.source);
      out.u32(operation.slot);
      out.u32(operation.type);
      out.u32(operation.major);
      out.u32(operation.minor);
      return 36;
    case 'symlink':
      out.string(operation.path);
      out.string(operation.text);
      out.bool(operation.replace);
      return 37;
    case 'openConsole':
      out.u32(operation.width);
      out.u32(operation.height);
      out.u32(operation.uid);
      out.bool(operation.bind);
      return 38;
    case 'enterCgroup':
      out.string(operation.file);
      out.bool(operation.newNamespace);
      return 39;
    case 'awaitHooks':
      return 40;
    case 'runHook':
      out.string(operation.kind);
      out.u32(operation.index);
      out.string(operation.file);
      out.strings(operation.args);
      out.strings(operation.env);
      out.u32(operation.timeout);
      return 41;
    case 'changeRoot':
      out.string(operation.method);
      return 42;
    case 'setRootPropagation':
      out.u32(operation.flags);
      return 43;
    case 'remount':
      out.string(operation.target);
      out.strings(operation.options);
      out.u64(operation.set);
      out.u64(operation.clear);
      out.u64(operation.recursiveSet);
      out.u64(operation.recursiveClear);
      out.numbers(operation.propagation);
      return 44;
    case 'maskPath':
      out.string(operation.path);
      return 45;
    case 'readonlyPath':
      out.string(operation.path);
      return 46;
    case 'makeWorkingDirectory':
      out.string(operation.path);
      return 47;
    case 'changeDirectory':
      out.string(operation.path);
      out.bool(operation.retry);
      return 48;
    case 'findExecutable':
      out.string(operation.name);
      out.strings(operation.search);
      return 49;
    case 'setMemoryPolicy':
      out.u32(operation.mode);
      out.numbers(operation.nodes);
      return 50;
    case 'setPersonality':
      out.u32(operation.persona);
      return 51;
    case 'writeAttribute':
      out.string(operation.attribute);
      out.string(operation.value);
      return 52;
    case 'awaitStart':
      out.bool(operation.listen);
      return 53;
    case 'findHome':
      out.u32(operation.uid);
      return 54;
    case 'setNice':
      out.i32(operation.value);
      return 55;
    case 'setScheduler':
      out.u32(operation.policy);
      out.u64(operation.flags);
      out.i32(operation.nice);
      out.u32(operation.priority);
      out.u64(operation.runtime);
      out.u64(operation.deadline);
      out.u64(operation.period);
      return 56;
    case 'setIoPriority':
      out.u32(operation.priority);
      return 57;
    case 'prepareExec':
      out.strings(operation.args);
      out.strings(operation.env);
      out.u32(operation.preserve);
      return 58;
    case 'setRlimit':
      out.u32(operation.resource);
      out.u64(operation.soft);
      out.u64(operation.hard);
      return 59;
    case 'setSoftLimit':
      out.u32(operation.resource);
      out.u64(operation.soft);
      return 60;
    case 'setUmask':
      out.u32(operation.mask);
      return 61;
    case 'setNoNewPrivileges':
      return 62;
    case 'loadSeccomp':
      out.u32(operation.flags);
      out.bool(operation.listener);
      out.filter(operation.filter);
      return 63;
    case 'setBoundingSet':
      out.u64(operation.keep);
      return 64;
    case 'setUser':
      out.u32(operation.uid);
      out.u32(operation.gid);
      out.numbers(operation.groups);
      out.bool(operation.setGroups);
      return 65;
    case 'setCapabilities':
      out.u64(operation.effective);
      out.u64(operation.permitted);
      out.u64(operation.inheritable);
      out.u64(operation.ambient);
      return 66;
    case 'announceExec':
      return 67;
    case 'exec':
      out.string(operation.name);
      out.strings(operation.search);
      return 68;
  }
}
