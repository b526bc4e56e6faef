#!/bin/sh
# oci.sh FILE ARCH TAR: an image with FILE as /program, as an OCI layout. Stands for rules_oci, which would need a network.
set -eu
file=$1 arch=$2 tar=$PWD/$3
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir -p "$dir/root" "$dir/layout/blobs/sha256"
cp "$file" "$dir/root/program"
chmod 755 "$dir/root/program"

# Puts the file $1 into the layout; prints its digest.
blob() {
  digest=$(sha256sum "$1" | cut -d' ' -f1)
  mv "$1" "$dir/layout/blobs/sha256/$digest"
  echo "sha256:$digest"
}
size() { wc -c < "$dir/layout/blobs/sha256/${1#sha256:}" | tr -d ' '; }

tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -cf "$dir/layer" -C "$dir/root" program
layer=$(blob "$dir/layer")
printf '{"architecture":"%s","os":"linux","config":{"Entrypoint":["/program"]},"rootfs":{"type":"layers","diff_ids":["%s"]}}' \
  "$arch" "$layer" > "$dir/config"
config=$(blob "$dir/config")
type=application/vnd.oci.image
printf '{"schemaVersion":2,"mediaType":"%s.manifest.v1+json","config":{"mediaType":"%s.config.v1+json","digest":"%s","size":%s},"layers":[{"mediaType":"%s.layer.v1.tar","digest":"%s","size":%s}]}' \
  $type $type "$config" "$(size "$config")" $type "$layer" "$(size "$layer")" > "$dir/manifest"
manifest=$(blob "$dir/manifest")
printf '{"schemaVersion":2,"manifests":[{"mediaType":"%s.manifest.v1+json","digest":"%s","size":%s,"annotations":{"org.opencontainers.image.ref.name":"image"}}]}' \
  $type "$manifest" "$(size "$manifest")" > "$dir/layout/index.json"
printf '{"imageLayoutVersion":"1.0.0"}' > "$dir/layout/oci-layout"
tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -cf "$tar" -C "$dir/layout" .
