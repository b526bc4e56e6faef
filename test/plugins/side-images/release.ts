/** Upstream images for a world, written by bt's own code and sent to a real registry. */
import { writeImage } from "../../support/image.ts";
import { createLayout } from "../../../plugins/multiarch-manifest/layout.ts";
import { assemble } from "../../../plugins/multiarch-manifest/assemble.ts";
import { publish } from "../../../plugins/multiarch-manifest/publish.ts";
import { run } from "../../support/tool.ts";
import { temporaryFolder } from "../../support/temporary.ts";

/** What an upstream image is. */
export interface UpstreamFacts {
  readonly files?: Readonly<Record<string, string>>;
  readonly format?: "oci" | "v2s2";
}

/** One image for one architecture, as its config says it: `armhfp` too. */
export async function pushSingle(
  reference: string,
  architecture: string,
  { files = { hello: reference }, format = "oci" }: UpstreamFacts = {},
): Promise<void> {
  const platform = { architecture, os: "linux" };
  const { layout } = await writeImage({ platform, files });
  const to = `docker://${reference}`;
  await run("skopeo", [
    "copy",
    "--quiet",
    "--dest-tls-verify=false",
    ...(format === "v2s2" ? ["--format", "v2s2"] : []),
    `oci:${layout.dir}:1`,
    to,
  ]);
}

/** A list of several architectures. */
export async function pushList(reference: string, arches: readonly string[], text = "list"): Promise<void> {
  const into = await createLayout(await temporaryFolder());
  const entries = await Promise.all(
    arches.map(async (arch) => {
      const [architecture = "", variant] = arch.split("/");
      const platform = { architecture, os: "linux", ...(variant !== undefined && { variant }) };
      const { layout, manifest } = await writeImage({ platform, files: { hello: `${text} ${arch}` } });
      return { platform: arch, layout, digest: manifest.digest };
    }),
  );
  const image = await assemble({ name: reference, entries }, into);
  await publish([{ name: reference, image, to: reference }]);
}

/** Platforms of a published index, in its order. */
export async function platformsAt(reference: string): Promise<readonly string[]> {
  const { manifests } = await rawAt(reference);
  return manifests.map(({ platform: { architecture, variant } }) =>
    variant === undefined ? architecture : `${architecture}/${variant}`,
  );
}

/** A published index as the registry gives it to skopeo. */
export async function rawAt(reference: string): Promise<{
  readonly mediaType: string;
  readonly manifests: readonly {
    readonly mediaType: string;
    readonly digest: string;
    readonly platform: { readonly architecture: string; readonly variant?: string };
  }[];
}> {
  return JSON.parse(
    await run("skopeo", ["inspect", "--raw", "--tls-verify=false", `docker://${reference}`]),
  ) as Awaited<ReturnType<typeof rawAt>>;
}

/** Repositories of a registry. */
export async function repositoriesOf(host: string): Promise<readonly string[]> {
  const response = await fetch(`http://${host}/v2/_catalog`);
  return ((await response.json()) as { readonly repositories: readonly string[] }).repositories;
}
