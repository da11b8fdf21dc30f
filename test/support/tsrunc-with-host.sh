#!/bin/sh
# tsrunc by way of a resident host, for the conformance suite, which knows of none: the suite's first call asks for the
# version and starts the host, in the suite's namespaces, with which it ends.
tsrunc=$(dirname "$0")/../../dist/tsrunc
export TSRUNC_HOST="$CONFORMANCE_FOLDER/host/socket"
if [ "$1" = --version ]; then
  "$tsrunc" host --socket "$TSRUNC_HOST" > /dev/null 2>&1 &
  until [ -S "$TSRUNC_HOST" ]; do sleep 0.1; done
fi
exec "$tsrunc" "$@"
