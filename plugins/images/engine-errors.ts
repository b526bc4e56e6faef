/** Every message about container engines: which one, whether it is there, what it made. Knows only BtError. */
import { BtError, closest, type Place } from "../../core/index.ts";
import { engineNames, type EngineName } from "./engine-name.ts";

const packages: Readonly<Record<EngineName, string>> = {
  embedded: "",
  buildah: "buildah",
  podman: "podman",
  docker: "docker.io",
};

/** The command that installs an engine. */
function installCommand(name: EngineName): string {
  return `apt-get install ${packages[name]}`;
}

export function buildFailed(
  at: Place,
  facts: {
    readonly engine: EngineName;
    readonly platform: string;
    /** The instruction. Undefined: the engine does not say which. */
    readonly command: string | undefined;
    /** The end of the engine's output. */
    readonly said: readonly string[];
  },
): BtError {
  const { engine, platform, command, said } = facts;
  const what = command === undefined ? `The build of "${at.where}"` : `\`${command}\``;
  return new BtError("IMAGES_BUILD_FAILED", `${what} failed for ${platform}, built by ${engine}`, {
    at,
    detail: said,
    exitCode: 1,
    fix: "Correct what its output names, then run bt again.",
  });
}

export function engineMissing(name: EngineName, program: string, from: string): BtError {
  return new BtError("IMAGES_ENGINE_MISSING", `${from} chooses "${program}", which is not installed`, {
    fix: `Install it, on Debian with \`${installCommand(name)}\`, or choose another engine.`,
  });
}

export function engineNone(tried: readonly string[]): BtError {
  return new BtError("IMAGES_ENGINE_NONE", "No container engine can be used, and the Dockerfile has a RUN", {
    detail: tried,
    fix: `Install one, on Debian with \`${installCommand("buildah")}\`.`,
  });
}

export function engineUnable(program: string, from: string, reason: string): BtError {
  return new BtError("IMAGES_ENGINE_UNABLE", `${from} chooses "${program}", which cannot be used: ${reason}`, {
    fix: "Mend what it says, or choose another engine.",
  });
}

export function engineUnknown(word: string, from: string): BtError {
  const near = closest(word, engineNames);
  const known = [...engineNames].sort((a, b) => Number(b === near) - Number(a === near)).join(", ");
  return new BtError("IMAGES_ENGINE_UNKNOWN", `${from} chooses "${word}"; known engines are ${known}`, {
    fix: near === undefined ? `Choose one of ${known}.` : `Choose "${near}".`,
  });
}

export function daemonUnreachable(address: string, from: string): BtError {
  return new BtError("IMAGES_ENGINE_DAEMON", `${from} chooses docker, and no daemon answers at "${address}"`, {
    fix: "Start the daemon, set DOCKER_HOST to the one that runs, or choose another engine.",
  });
}

export function heredocUnsupported(at: Place, kind: "run" | "mixed" | "variable"): BtError {
  const problems = {
    run: "RUN has a heredoc, which not every engine understands",
    mixed: "A heredoc stands beside other sources, which not every engine understands",
    variable: "A heredoc has variables or escapes, which not every engine replaces",
  };
  const fixes = {
    run: "Put the commands into a file, COPY it and RUN it, or join them with `&&`.",
    mixed: "Give the heredoc a COPY of its own.",
    variable: "Put the name of the heredoc in quotes so that its text stays as it is, or COPY a file.",
  };
  return new BtError("IMAGES_HEREDOC_UNSUPPORTED", problems[kind], { at, fix: fixes[kind] });
}

export function resultPlatform(
  file: string,
  facts: { readonly expected: string; readonly found: string; readonly engine: EngineName },
): BtError {
  return new BtError(
    "IMAGES_RESULT_PLATFORM",
    `${facts.engine} built an image for ${facts.found}, and ${facts.expected} was asked for`,
    {
      at: { where: file },
      exitCode: 1,
      fix: "Take --platform off the FROM of the last stage.",
    },
  );
}

export function resultUnreadable(engine: EngineName, problem: string): BtError {
  return new BtError("IMAGES_RESULT_UNREADABLE", `What ${engine} built cannot be read: ${problem}`, {
    exitCode: 1,
    fix: "Build again, or choose another engine.",
  });
}
