import { defineBuilder, platforms, task } from "builderfile";
import { bazelBuilder } from "builderfile/plugins/bazel-builder";
import { rpmDeps } from "builderfile/plugins/rpm-deps";

const arches = platforms("amd64", "arm64", "s390x");

const builder = bazelBuilder({
  prefix: "quay.io/kubevirt",
  arches,
  variants: {
    cs9: { image: "builder", crossImage: "builder-cross", context: "hack/builder" },
    cs10: {
      image: "builder-cs10",
      crossImage: "builder-cs10-cross",
      context: "hack/builder",
      dockerfile: "hack/builder/Dockerfile.cs10",
    },
  },
  bazel: { targets: ["//cmd/..."] },
  push: { images: { "virt-oven": {}, "virt-mixer": {}, "pr-helper": { arches: platforms("amd64", "arm64") } } },
  manifests: { templator: ["sh", "tools/templator.sh"] },
});

const rpms = rpmDeps({
  streams: {
    cs9: { repofiles: ["rpm/repo.yaml"], suffix: "_cs9" },
    cs10: { repofiles: ["rpm/repo-cs10.yaml"], suffix: "_cs10" },
  },
  pinsFile: "rpm/pins.json",
  arches,
  basesystem: "centos-stream-release",
  groups: {
    launcher: { main: ["libvirt-daemon-driver-qemu-{LIBVIRT}", "qemu-kvm-core-{QEMU}"], extra: ["acl"] },
    sandboxroot: { main: ["findutils", "gcc", "glibc-static", "python3"] },
  },
});

const announce = task({
  description: "Says which builder was published",
  needs: { published: builder.tasks.publish },
  run: ({ needs, log }) => log.info(`${needs.published.reference}@${needs.published.digest}`),
});

export default defineBuilder({ plugins: [builder, rpms], tasks: { announce } });
