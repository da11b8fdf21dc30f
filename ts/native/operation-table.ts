// Made by `npm run generate` from ts/plan/operations.ts. Don't edit.

/** Of the tables of operations and messages; init refuses a Program made from others than it was. */
export const FINGERPRINT = 0x53c7cc7d;

/**
 * The table of operations as one text, which a program that starts has at once: a line for each, its arguments as
 * `name:type`.
 */
export const OPERATIONS = `\
setDumpable value:bool
openProc
awaitCgroup
joinCgroups files:string[]
openCgroup file:string
setOomScoreAdj value:i32
setAffinity cpus:u32[]
raiseRlimit resource:u32 hard:u64
enterRootfs source:string
openSource slot:u32 source:string recursive:bool userNamespace:u32 mapAll:bool
openFileSystem slot:u32 type:string source:string options:string[] userNamespace:u32 mapAll:bool
openNode slot:u32 path:string file:string type:u32 major:u32 minor:u32 mode:u32 uid:u32 gid:u32
makeUserNamespace slot:u32 uidMap:string gidMap:string
openNamespace slot:u32 file:string
openTimeOffsets
joinNamespaces types:u32[] files:string[] foreign:u32
takeRootOf pid:u32
joinProcess flags:u32
createUserNamespace
becomeRoot uid:u32 gid:u32
createTimeNamespace offsets:string
clone flags:u32
newSession
joinSessionKeyring name:string
setHostname name:string
setDomainname name:string
awaitNetDevices
loopbackUp
writeSysctl name:string value:string
setMountPropagation flags:u32
openRoot mount:bool privateParent:bool propagation:u32
adoptRoot
mount target:string type:string source:string slot:u32 options:string[] flags:u32 noSymlinks:bool keepMode:bool keepOwner:bool copyUp:bool set:u64 clear:u64 recursiveSet:u64 recursiveClear:u64 propagation:u32[]
bindMount target:string source:string slot:u32 recursive:bool noSymlinks:bool set:u64 clear:u64 recursiveSet:u64 recursiveClear:u64 propagation:u32[]
makeNode path:string type:u32 major:u32 minor:u32 mode:u32 uid:u32 gid:u32
bindNode path:string source:string slot:u32 type:u32 major:u32 minor:u32
symlink path:string text:string replace:bool
openConsole width:u32 height:u32 uid:u32 bind:bool
enterCgroup file:string newNamespace:bool
awaitHooks
runHook kind:string index:u32 file:string args:string[] env:string[] timeout:u32
changeRoot method:string
setRootPropagation flags:u32
remount target:string options:string[] set:u64 clear:u64 recursiveSet:u64 recursiveClear:u64 propagation:u32[]
maskPath path:string
readonlyPath path:string
makeWorkingDirectory path:string
changeDirectory path:string retry:bool
findExecutable name:string search:string[]
setMemoryPolicy mode:u32 nodes:u32[]
setPersonality persona:u32
writeAttribute attribute:string value:string
awaitStart listen:bool
findHome uid:u32
setNice value:i32
setScheduler policy:u32 flags:u64 nice:i32 priority:u32 runtime:u64 deadline:u64 period:u64
setIoPriority priority:u32
prepareExec args:string[] env:string[] preserve:u32
setRlimit resource:u32 soft:u64 hard:u64
setSoftLimit resource:u32 soft:u64
setUmask mask:u32
setNoNewPrivileges
loadSeccomp flags:u32 listener:bool filter:filter
setBoundingSet keep:u64
setUser uid:u32 gid:u32 groups:u32[] setGroups:bool
setCapabilities effective:u64 permitted:u64 inheritable:u64 ambient:u64
announceExec
exec name:string search:string[]`;
