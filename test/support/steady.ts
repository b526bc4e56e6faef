/** What bt said, without what differs from run to run. */

/** The text with the project's folder as `ROOT` and ids of runs as `RUN`. */
export function steady(text: string, root: string): string {
  return text.replaceAll(root, "ROOT").replaceAll(/\d{8}T\d{6}[\d-]+/g, "RUN");
}
