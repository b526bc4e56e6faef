/** What an inspection has found, and how people see it. Pure; does not know where it was found. */

/** One platform's image. */
export interface InspectedImage {
  /** `linux/arm64`. */
  readonly platform: string;
  readonly digest: string;
  readonly imageId: string;
  readonly mediaType: string;
  /** Manifest, config and layers, in bytes. */
  readonly size: number;
  readonly layers: readonly { readonly mediaType: string; readonly digest: string; readonly size: number }[];
  /** RFC 3339. Absent: the config does not say. */
  readonly created?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Something that is attached to the index or to one of its images. */
export interface InspectedReferrer {
  readonly subject: string;
  readonly digest: string;
  readonly artifactType: string;
  readonly size: number;
}

/** What a reference stands for. */
export interface Inspection {
  readonly reference: string;
  readonly digest: string;
  readonly mediaType: string;
  /** Of the index or manifest itself, in bytes. */
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly images: readonly InspectedImage[];
  readonly referrers: readonly InspectedReferrer[];
}

/** A few lines about the reference, a table of its platforms, what is attached. Digests are whole, so that they can be copied. */
export function renderInspection(inspection: Inspection): string {
  const { reference, digest, mediaType, annotations = {}, images, referrers } = inspection;
  const rows = images.map((image) => [
    image.platform,
    renderBytes(image.size),
    `${image.layers.length}`,
    image.created?.slice(0, 10) ?? "-",
    image.digest,
  ]);
  const own = images.flatMap((image) =>
    Object.entries(image.annotations ?? {}).map(([name, value]) => `  ${image.platform}  ${name}=${value}`),
  );
  const attached = referrers.map(({ artifactType, size, digest: found, subject }) => [
    artifactType,
    renderBytes(size),
    found,
    subject === digest ? "the index" : (images.find((image) => image.digest === subject)?.platform ?? subject),
  ]);
  return [
    reference,
    `digest  ${digest}`,
    `type    ${mediaType}`,
    ...Object.entries(annotations).map(([name, value]) => `note    ${name}=${value}`),
    "",
    ...renderTable(["platform", "size", "layers", "created", "digest"], rows),
    ...(own.length > 0 ? ["", "annotations of platforms", ...own] : []),
    ...(attached.length > 0 ? ["", ...renderTable(["attached", "size", "digest", "to"], attached)] : []),
  ].join("\n");
}

/** `1.5 MiB`; three digits are enough to compare. */
function renderBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(1, bytes)) / 10)));
  const value = bytes / 1024 ** power;
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[power]}`;
}

function renderTable(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = head.map((name, at) => Math.max(name.length, ...rows.map((row) => row[at]?.length ?? 0)));
  return [head, ...rows].map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}
