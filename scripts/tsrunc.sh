#!/bin/sh
# Does what the launcher does, until the package's installation has put that here (ts/cli/install.ts), and on machines
# that it isn't built for.
here="$(dirname "$(readlink -f "$0")")"
unset NODE_OPTIONS NODE_EXTRA_CA_CERTS NODE_PATH OPENSSL_CONF LD_PRELOAD LD_LIBRARY_PATH
node="$here/node"
[ -x "$node" ] || node=node
TSRUNC_NOFILE="$(ulimit -Sn)" exec "$node" --no-global-search-paths --v8-pool-size=0 --no-rehash-snapshot --no-verify-snapshot-checksum --no-sparkplug --min-semi-space-size=4 \
  --preserve-symlinks-main "$here/tsrunc.cjs" "$@"
