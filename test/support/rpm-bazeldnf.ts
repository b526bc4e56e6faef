/** The real bazeldnf, built once from the Go module proxy and kept for all tests of this machine. Knows nothing of bt. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

const source = path.join(import.meta.dirname, "../plugins/rpm-deps/bazeldnf");

/** The program. Builds take half a minute, so they are kept by what they are built from. @throws Error with Go's own words */
export function buildBazeldnf(): string {
  const digest = createHash("sha256");
  for (const file of ["go.mod", "go.sum"]) digest.update(fs.readFileSync(path.join(source, file)));
  const program = path.join(os.tmpdir(), `bt-test-bazeldnf-${digest.digest("hex").slice(0, 16)}`, "bazeldnf");
  if (fs.existsSync(program)) return program;
  const staged = `${program}.${process.pid}`;
  fs.mkdirSync(path.dirname(program), { recursive: true });
  const built = spawnSync("go", ["build", "-o", staged, "github.com/rmohr/bazeldnf/cmd"], {
    cwd: source,
    encoding: "utf8",
  });
  if (built.status !== 0) throw new Error(`bazeldnf cannot be built: ${built.stderr}`);
  fs.renameSync(staged, program);
  return program;
}
