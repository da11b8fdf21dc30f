/** What a kernel needs for files that many kernels don't have. */
const needs: readonly (readonly [file: RegExp, need: string])[] = [
  [/^memory\.memsw\./, 'CONFIG_SWAP, and swapaccount=1 on its command line'],
  [/^memory\.swap\./, 'CONFIG_SWAP'],
  [/^memory\.kmem\.tcp\./, 'CONFIG_INET and CONFIG_MEMCG_V1'],
  [/^memory\.kmem\.limit/, 'a Linux before 5.16: newer ones count it in memory.limit only'],
  [/^memory\..*_in_bytes$|^memory\.(swappiness|oom_control)$/, 'CONFIG_MEMCG_V1'],
  [/^cpu\.(cfs_burst_us|max\.burst)$/, 'Linux 5.14 and CONFIG_CFS_BANDWIDTH'],
  [/^cpu\.idle$/, 'Linux 5.15'],
  [/^cpu\.(cfs_|max$)/, 'CONFIG_CFS_BANDWIDTH'],
  [/^cpu\.rt_/, 'CONFIG_RT_GROUP_SCHED'],
  [/^blkio\.leaf_weight/, 'the CFQ scheduler, which Linux has had until 4.20'],
  [
    /^blkio\.bfq\.weight_device$/,
    'that the device is under the bfq I/O scheduler (/sys/block/NAME/queue/scheduler)',
  ],
  [/^(blkio|io)(\.bfq)?\.weight/, 'the bfq I/O scheduler (CONFIG_BFQ_GROUP_IOSCHED)'],
  [/^(blkio\.throttle\.|io\.max$)/, 'CONFIG_BLK_DEV_THROTTLING'],
  [/^hugetlb\./, 'huge pages of that size: /sys/kernel/mm/hugepages has a folder for each'],
  [/^pids\.max$/, 'CONFIG_CGROUP_PIDS'],
  [/^rdma\./, 'CONFIG_CGROUP_RDMA'],
];

/** `, which takes …: use such a kernel, or remove …`: the end of a sentence about a file. */
export function needsOf(file: string): string {
  const need = needs.find(([pattern]) => pattern.test(file))?.[1];
  const takes = need === undefined ? '' : `, which takes ${need}`;
  return `${takes}: ${need === undefined ? 'use a kernel that has it' : 'provide that'}, or remove it from the configuration`;
}
