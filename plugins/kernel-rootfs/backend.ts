/** What the backends for images cannot do, told before anything starts. Starts nothing. */
import type { BtError } from "../../core/index.ts";
import { backendLimited } from "./errors.ts";
import { hostArch } from "./params.ts";
import type { Shop } from "./shop.ts";

type Values = Readonly<Record<string, unknown>>;

/** Undefined: the task can be run so. */
export function findLimit(key: string, { rootfsBackend, targetArch }: Values, { options }: Shop): BtError | undefined {
  const backend = String(rootfsBackend);
  if (!key.startsWith("rootfs:") || backend === "mke2fs") return undefined;
  if (key === "rootfs:bootstrap" || key === "rootfs:customize")
    return backendLimited(backend, "makes an image in one step", "Use `bt rootfs:pack`, or ROOTFS_BACKEND=mke2fs.");
  if (targetArch !== hostArch())
    return backendLimited(
      backend,
      `makes images for ${hostArch()} here, not for ${String(targetArch)}`,
      "Use ROOTFS_BACKEND=mke2fs.",
    );
  const given = Object.keys(options.debian ?? {}).map((name) => `\`debian.${name}\``);
  if (backend === "lvh" && given.length > 0)
    return backendLimited(backend, `does not know ${given.join(" and ")}`, "Remove it, or use another backend.");
  return undefined;
}
