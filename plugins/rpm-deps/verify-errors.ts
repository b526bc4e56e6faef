/** Every message about signatures. Knows only BtError. */
import { BtError } from "../../core/index.ts";

export function keyUnreachable(url: string, problem: string): BtError {
  return new BtError("RPM_DEPS_KEY_UNREACHABLE", `The key ${url} cannot be fetched: ${problem}`, {
    exitCode: 5,
    fix: "Correct `gpgkey` in the repository list, or wait for the server.",
  });
}

export function rpmkeysMissing(): BtError {
  return new BtError("RPM_DEPS_RPMKEYS_MISSING", "`rpmkeys` is not installed, and nothing else judges signatures", {
    fix: "Install the package rpm.",
  });
}

export function rpmsUnverified(
  findings: readonly { readonly rpm: string; readonly kind: string; readonly problem: string }[],
  count: number,
): BtError {
  const isDownload = findings.every(({ kind }) => kind === "absent" || kind === "network");
  return new BtError("RPM_DEPS_RPMS_UNVERIFIED", `${findings.length} of ${count} rpms could not be verified`, {
    exitCode: isDownload ? 5 : 6,
    detail: findings.map(({ rpm, kind, problem }) => `${kind}: ${rpm}: ${problem}`),
    fix: isDownload
      ? "Run `bt rpm-deps` to get new addresses, or wait for the mirror."
      : "Do not use these rpms before somebody has looked at them.",
  });
}
