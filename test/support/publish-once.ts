/** A program that publishes one image and kills itself when a phase begins: ITEM (JSON) PHASE JOURNAL. */
import { createClient } from "../../plugins/multiarch-manifest/host.ts";
import type { PublishItem } from "../../plugins/multiarch-manifest/plan.ts";
import { publish } from "../../plugins/multiarch-manifest/publish.ts";

const [item = "", phase = "", journal = ""] = process.argv.slice(2);

void publish([JSON.parse(item) as PublishItem], {
  client: createClient({ env: {} }),
  journal,
  onStep: (now) => void (now === phase && process.kill(process.pid, "SIGKILL")),
});
