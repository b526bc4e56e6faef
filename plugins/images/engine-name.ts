/** The names of the container engines that bt knows. Does not know what they can do. */

/** An engine; `embedded` is bt's own, which runs no commands. */
export type EngineName = "embedded" | "buildah" | "podman" | "docker";

/** In the order in which they are tried. */
export const engineNames: readonly EngineName[] = ["embedded", "buildah", "podman", "docker"];
