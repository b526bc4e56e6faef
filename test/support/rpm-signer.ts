/** A key of its own and signatures with it, by gpg and rpmsign. Knows nothing of bt. */
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { onTestFinished } from "vitest";
import { removeFolder } from "./temporary.ts";
import { run } from "./tool.ts";

export interface Signer {
  /** Armored public key. */
  readonly key: string;
  readonly sign: (files: readonly string[]) => Promise<void>;
}

/** Makes a key; its folder and agent are gone when the test ends. */
export async function createSigner(name: string): Promise<Signer> {
  // The agent's socket must have a short path.
  const home = fs.mkdtempSync(path.join(os.tmpdir(), "gpg-"));
  const env = { GNUPGHOME: home };
  onTestFinished(async () => {
    await run("gpgconf", ["--kill", "all"], env).catch(() => undefined);
    removeFolder(home); // The agent is still ending.
  });
  const recipe = path.join(home, "recipe");
  fs.writeFileSync(
    recipe,
    `%no-protection\nKey-Type: RSA\nKey-Length: 2048\nName-Real: ${name}\nExpire-Date: 0\n%commit\n`,
  );
  await run("gpg", ["--batch", "--quiet", "--gen-key", recipe], env);
  const defines = { _gpg_name: name, _gpg_path: home, __gpg: "/usr/bin/gpg" };
  const settings = Object.entries(defines).flatMap(([key, value]) => ["--define", `${key} ${value}`]);
  return {
    key: await run("gpg", ["--armor", "--export", name], env),
    sign: async (files) => {
      const command = ["rpmsign", ...settings, "--addsign", ...files];
      await run("sh", ["-c", 'exec "$@" </dev/null', "sh", ...command], env);
    },
  };
}
