#!/bin/sh
# Fills in one manifest: {{.Name}} in the second pass, {{index .GeneratedManifests "FILE"}} in the first. Takes the options of KubeVirt's manifest-templator.
set -eu
for word; do
  case $word in
  --input-file=*) file=${word#*=} ;;
  --generated-manifests-dir=*) generated=${word#*=} ;;
  --container-prefix=*) prefix=${word#*=} ;;
  --container-tag=*) tag=${word#*=} ;;
  --image-prefix=*) image_prefix=${word#*=} ;;
  --namespace=*) namespace=${word#*=} ;;
  --image-pull-policy=*) policy=${word#*=} ;;
  esac
done
case $1 in
--process-files)
  while IFS= read -r line; do
    name=$(printf '%s\n' "$line" | sed -n 's/^{{index .GeneratedManifests "\(.*\)"}}$/\1/p')
    if [ -n "$name" ]; then cat "$generated/$name"; else printf '%s\n' "$line"; fi
  done < "$file"
  ;;
--process-vars)
  sed "s|{{.DockerPrefix}}|$prefix|; s|{{.DockerTag}}|$tag|; s|{{.ImagePrefix}}|$image_prefix|
    s|{{.Namespace}}|$namespace|; s|{{.ImagePullPolicy}}|$policy|" "$file"
  ;;
esac
