import { defineBuilder, param, platforms, task } from "builderfile";
import { image } from "builderfile/plugins/images";
import { multiarchManifest } from "builderfile/plugins/multiarch-manifest";

/** `REGISTRY=quay.io/you bt manifest:push` */
const registry = process.env["REGISTRY"] ?? "localhost:5000/bakery";
const version = "1.4";

const arches = platforms("amd64", "arm64", "s390x");
const server = image({ platforms: arches, context: "server" });
const client = image({ platforms: platforms("amd64", "arm64"), context: "client" });

const manifest = multiarchManifest({
  images: {
    // A record by platform: one of `arches` that is forgotten here does not compile.
    server: {
      name: `${registry}/server`,
      tags: [version],
      alsoTags: ["latest"],
      requirePlatforms: arches,
      entries: { amd64: { task: server }, arm64: { task: server }, s390x: { task: server } },
      annotations: { "org.opencontainers.image.version": version },
    },
    // All cells of a task.
    client: { name: `${registry}/client`, tags: [version], alsoTags: ["latest"], entries: client },
  },
});

const announce = task({
  description: "Says what to pull",
  needs: { pushed: manifest.tasks["manifest:push"] },
  params: { channel: param.enum(["dev", "stable"], { default: "dev", description: "Where to say it" }) },
  run: ({ needs, params, log }) => {
    for (const { ref, digest } of Object.values(needs.pushed.images)) log.info(`${params.channel}: ${ref}@${digest}`);
  },
});

export default defineBuilder({ plugins: [manifest], tasks: { server, client, announce } });
