/** Finds images in what a task returned: whatever has a digest. Pure; does not know who makes images. */
import type { Image } from "./model.ts";

/** As deep as results of tasks go; more is not looked at. */
const deepest = 6;

/** In the order of the value; the same digest on the same platform is shown once. */
export function findImages(value: unknown): readonly Image[] {
  const found = new Map<string, Image>();
  collect(value, { name: "", depth: 0 }, (image) => {
    const name = `${image.digest} ${image.platform ?? ""} ${image.reference ?? ""}`;
    if (!found.has(name)) found.set(name, image);
  });
  return [...found.values()];
}

interface Spot {
  /** Name under which the value stands. */
  readonly name: string;
  readonly depth: number;
  /** Of the image around it. */
  readonly reference?: string;
}

function collect(value: unknown, spot: Spot, add: (image: Image) => void): void {
  if (typeof value !== "object" || value === null || spot.depth > deepest) return;
  const own = value as Readonly<Record<string, unknown>>; // Any object can be read by names.
  const reference = findText(own, "reference") ?? findText(own, "ref") ?? spot.reference ?? findText(own, "layout");
  const digest = findText(own, "digest");
  if (digest !== undefined && /^sha256:[0-9a-f]{64}$/.test(digest)) {
    const platform = findText(own, "platform") ?? (/^\w+\/\w+/.test(spot.name) ? spot.name : undefined);
    const imageId = findText(own, "imageId");
    add({
      digest,
      ...(reference === undefined ? {} : { reference }),
      ...(platform === undefined ? {} : { platform }),
      ...(imageId === undefined ? {} : { imageId }),
    });
  }
  for (const [name, inner] of Object.entries(own))
    collect(inner, { name, depth: spot.depth + 1, ...(reference === undefined ? {} : { reference }) }, add);
}

function findText(own: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = Object.hasOwn(own, name) ? own[name] : undefined;
  return typeof value === "string" && value !== "" ? value : undefined;
}
