#!/bin/sh
# Runs in the virtual machine, as the service that it was started for, with its output on the second serial port.
# What the host wants is in .vm-job. The last line says how it ended.
cd /tsrunc || exit 1
export TSRUNC_VM=1 TSRUNC_SLOWNESS=20
echo "- systemd: $(systemctl is-system-running --wait)"
echo "- $(uname -r), $(cat /sys/fs/cgroup/cgroup.controllers 2>/dev/null | tr ' ' ','), PID 1 is $(cat /proc/1/comm)"
sh /tsrunc/.vm-job </dev/null
echo "virtual machine: the job ended with status $?"
sync
