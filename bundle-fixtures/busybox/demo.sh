# What `npm run demo` feeds to the container's shell. A line that begins with @ is a heading.
echo "@Who am I?"
id
echo "hostname $(hostname)"
echo "@What runs here?"
ps -o pid,user,args
echo "@What is mounted?"
mount | while read -r _ _ target _ type options; do
  case $target in
    /proc/* | /sys/*/*/*) ;;
    *) printf '%-16s %-8s %.3s\n' "$target" "$type" "$options" | tr -d '(' ;;
  esac
done
echo "@Which devices are there?"
find /dev -maxdepth 1 -type c | sort | xargs ls -l | awk '{ print $5 $6, $NF }'
echo "@What may root do here?"
grep -E '^Cap(Prm|Eff|Bnd)|^NoNewPrivs' /proc/self/status
hostname other 2>&1
mknod /tmp/disk b 8 0 2>&1
touch /file 2>&1
echo "@Which limits apply?"
echo "open files: $(ulimit -n)"
for file in memory/memory.limit_in_bytes memory.max pids/pids.max pids.max; do
  [ -r /sys/fs/cgroup/$file ] && echo "$file: $(cat /sys/fs/cgroup/$file)"
done
exit 7
