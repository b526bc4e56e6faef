/** Why a task runs: a closed union and its texts. Does not know how it was found out. */

export type Reason =
  | {
      readonly kind:
        | "first-run"
        | "failed-before"
        | "interrupted-before"
        | "no-inputs"
        | "always"
        | "forced"
        | "service"
        | "status"
        | "changed-while-running"
        | "cleaned"
        | "format"
        | "state-lost";
    }
  | { readonly kind: "code-changed"; readonly before?: string; readonly now?: string }
  | { readonly kind: "input-changed" | "input-new" | "input-gone"; readonly path: string }
  | { readonly kind: "param-changed"; readonly name: string; readonly before: string; readonly now: string }
  | { readonly kind: "env-changed" | "env-set" | "env-unset" | "secret-changed"; readonly name: string }
  | { readonly kind: "tool-changed"; readonly name: string }
  | { readonly kind: "need-changed" | "need-new" | "need-gone"; readonly need: string }
  | {
      readonly kind: "version-changed";
      readonly name: string;
      readonly before: string | undefined;
      readonly now: string | undefined;
    }
  /** A need will run, so this may run too. Only in forecasts. */
  | { readonly kind: "need-runs"; readonly need: string }
  | { readonly kind: "output-missing" | "output-edited"; readonly path: string }
  /** A leaf that a plugin, or a newer bt, added to the key. */
  | {
      readonly kind: "leaf-changed";
      readonly name: string;
      readonly before: string | undefined;
      readonly now: string | undefined;
    };

/** The reason as a sentence without a full stop. */
export function renderReason(reason: Reason): string {
  switch (reason.kind) {
    case "first-run":
      return "it has never run";
    case "failed-before":
      return "it failed last time";
    case "interrupted-before":
      return "it was interrupted last time";
    case "cleaned":
      return "its outputs were removed by --clean";
    case "no-inputs":
      return "it declares no inputs";
    case "always":
      return "it always runs";
    case "forced":
      return "it is forced";
    case "service":
      return "a task needs it";
    case "status":
      return "its status check failed";
    case "changed-while-running":
      return "an input changed while it ran";
    case "format":
      return "bt's key format changed";
    case "state-lost":
      return "bt lost its state";
    case "code-changed":
      return reason.before === undefined || reason.now === undefined
        ? "its code changed"
        : `its command changed: ${reason.before} → ${reason.now}`;
    case "input-changed":
      return `input "${reason.path}" changed`;
    case "input-new":
      return `input "${reason.path}" is new`;
    case "input-gone":
      return `input "${reason.path}" is gone`;
    case "param-changed":
      return `param "${reason.name}" changed: ${reason.before} → ${reason.now}`;
    case "secret-changed":
      return `secret "${reason.name}" changed`;
    case "env-changed":
      return `variable "${reason.name}" changed`;
    case "env-set":
      return `variable "${reason.name}" was set`;
    case "env-unset":
      return `variable "${reason.name}" was unset`;
    case "tool-changed":
      return `tool "${reason.name}" changed`;
    case "need-changed":
      return `"${reason.need}" produced something else`;
    case "need-new":
      return `it needs "${reason.need}" now`;
    case "need-gone":
      return `it does not need "${reason.need}" any more`;
    case "version-changed":
      return `version of "${reason.name}" changed: ${reason.before ?? "(unknown)"} → ${reason.now ?? "(none)"}`;
    case "need-runs":
      return `"${reason.need}" runs first`;
    case "output-missing":
      return `output "${reason.path}" is missing`;
    case "output-edited":
      return `output "${reason.path}" was edited`;
    case "leaf-changed":
      return `${reason.name} changed: ${reason.before ?? "(absent)"} → ${reason.now ?? "(absent)"}`;
  }
}
