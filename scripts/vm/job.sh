#!/bin/sh
# Runs in the virtual machine, as the service that it was started for, with its output on the second serial port.
# What the host wants is in .vm-job. The last line says how it ended.
cd /tsrunc || exit 1
export CI=1 TSRUNC_VM=1 TSRUNC_SLOWNESS=10
echo "- systemd: $(systemctl is-system-running --wait)"
echo "- $(uname -r), $(cat /sys/fs/cgroup/cgroup.controllers 2>/dev/null | tr ' ' ','), PID 1 is $(cat /proc/1/comm)"
# A disk whose weights can be set.
modprobe bfq && echo bfq > /sys/block/vdb/queue/scheduler
# A device of RDMA's, made of a network interface that leads nowhere.
modprobe rdma_rxe && ip link add rdma0 type dummy && ip link set rdma0 up && rdma link add tsrunc0 type rxe netdev rdma0
sh /tsrunc/.vm-job </dev/null
status=$?
# What the job leaves here goes to the host.
for file in $(cd .vm-out 2>/dev/null && find . -type f | cut -c3-); do
  echo "virtual machine: file $file $(base64 -w0 ".vm-out/$file")"
done
echo "virtual machine: the job ended with status $status"
sync
