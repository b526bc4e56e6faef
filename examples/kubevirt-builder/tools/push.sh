#!/bin/sh
# push.sh TAR --registry R --repository N --tag T
set -eu
tar=$1
shift
while [ $# -gt 0 ]; do
  case $1 in
  --registry) registry=$2 ;;
  --repository) repository=$2 ;;
  --tag) tag=$2 ;;
  esac
  shift 2
done
# A registry on this machine may speak plain HTTP.
case $registry in 127.* | localhost*) set -- --dest-tls-verify=false ;; esac
exec skopeo copy --quiet "$@" "oci-archive:$tar:image" "docker://$registry/$repository:$tag"
