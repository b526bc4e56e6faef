/** A shell for a person on a recipe's build host. Does not know builds. */
import type { Bench } from "./bench.ts";
import { containerName } from "./container.ts";
import { stepUnsupported } from "./host-errors.ts";
import { terminalMissing } from "./errors.ts";
import type { Order } from "./order.ts";
import { loadRunning } from "./state.ts";

/** @throws BtError KIWI_DICE_TERMINAL_MISSING */
export async function openShell(bench: Bench, order: Order): Promise<void> {
  if (!process.stdin.isTTY) throw terminalMissing(bench.name);
  const { host, folder } = order;
  switch (host.kind) {
    case "local":
      await bench.exec(bench.env["SHELL"] ?? "sh", [], { cwd: folder });
      return;
    case "ssh": {
      const { config, alias } = await (await import("./ssh.ts")).prepareSsh(bench, host);
      await bench.exec("ssh", ["-t", "-F", config, alias]);
      return;
    }
    case "docker": {
      const engine = host.engine ?? "docker";
      const running = loadRunning(folder)?.container?.name;
      const words =
        running === undefined
          ? ["run", "--rm", "--name", containerName("shell"), "-ti", host.image]
          : ["exec", "-ti", running];
      await bench.exec(engine, [...words, "bash"]);
      return;
    }
    case "vagrant":
      await bench.exec("vagrant", ["ssh"], { cwd: folder });
      return;
    case "box":
      throw stepUnsupported(bench.name, host.kind);
  }
}
