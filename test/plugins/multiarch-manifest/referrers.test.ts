/** Attaching to images: on a registry without the referrers endpoint, and on one that has it. */
import { expect } from "vitest";
import { digestOf } from "../../../plugins/multiarch-manifest/digest.ts";
import { createClient, openRepository, type Repository } from "../../../plugins/multiarch-manifest/host.ts";
import { createLayout, writeBlob } from "../../../plugins/multiarch-manifest/layout.ts";
import { mediaTypes, type Descriptor } from "../../../plugins/multiarch-manifest/oci.ts";
import { publish } from "../../../plugins/multiarch-manifest/publish.ts";
import {
  attach,
  isReferrersTag,
  listReferrers,
  referrersTag,
  type Attachment,
} from "../../../plugins/multiarch-manifest/referrers.ts";
import { listTags } from "../../../plugins/multiarch-manifest/registry.ts";
import { openBlobFile, uploadBlob } from "../../../plugins/multiarch-manifest/upload.ts";
import { startServer } from "../../support/fake-registry.ts";
import { makeIndex } from "../../support/group.ts";
import { startRegistry } from "../../support/registry.ts";
import { temporaryFolder } from "../../support/temporary.ts";
import { testWith } from "../../support/tool.ts";

const test = testWith("docker-registry");

async function open(host: string): Promise<Repository> {
  return openRepository(createClient({ env: {}, backoffMs: 100 }), { host, repository: "bake/rye" });
}

function attachment(config: Descriptor, artifactType: string): Attachment {
  return { artifactType, config, layers: [], annotations: { of: artifactType } };
}

test("attach() keeps a list under a tag when the registry has no referrers; two writers lose nothing", async () => {
  const { host } = await startRegistry();
  const image = await makeIndex("rye");
  await publish([{ name: "rye", image, to: `${host}/bake/rye:1` }], {
    client: createClient({ env: {} }),
    lockFolder: await temporaryFolder(),
  });
  const layout = await createLayout(await temporaryFolder());
  const config = { mediaType: mediaTypes.oci.empty, ...(await writeBlob(layout, Buffer.from("{}"))) };
  await uploadBlob(await open(host), await openBlobFile(layout, config));
  const subject = image.descriptor;
  expect(await listReferrers(await open(host), subject.digest)).toEqual([]);

  const attached = await Promise.all(
    ["text/sbom", "text/signature"].map(async (type) => attach(await open(host), subject, attachment(config, type))),
  );

  const listed = await listReferrers(await open(host), subject.digest);
  expect(listed.map((one) => one.digest).sort()).toEqual(attached.map((one) => one.digest).sort());
  expect(await listReferrers(await open(host), subject.digest, "text/sbom")).toEqual([attached[0]]);
  expect((await listTags(await open(host))).filter((tag) => !isReferrersTag(tag))).toEqual(["1"]);
  expect(await listTags(await open(host))).toContain(referrersTag(subject.digest));
});

test("attach() leaves the list to a registry that answers with OCI-Subject, and listReferrers() filters and follows links", async () => {
  const subject: Descriptor = { mediaType: mediaTypes.oci.manifest, digest: digestOf("rye"), size: 3 };
  const one = { mediaType: mediaTypes.oci.manifest, digest: digestOf("1"), size: 1, artifactType: "text/sbom" };
  const two = { ...one, digest: digestOf("2"), artifactType: "text/signature" };
  const { host, seen } = await startServer((asked, answer) => {
    if (asked.method === "PUT")
      asked.resume().on("end", () => answer.writeHead(201, { "oci-subject": subject.digest }).end());
    else if (asked.url?.includes("/referrers/") !== true) answer.end();
    else {
      const last = asked.url.includes("page=2");
      const link: Record<string, string> = last ? {} : { link: `<${asked.url.split("?")[0]}?page=2>; rel="next"` };
      answer.writeHead(200, { "content-type": mediaTypes.oci.index, ...link });
      answer.end(JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.oci.index, manifests: [last ? two : one] }));
    }
  });

  await attach(await open(host), subject, attachment(one, "text/sbom"));

  expect(seen.filter((line) => line.startsWith("PUT"))).toHaveLength(1);
  expect(await listReferrers(await open(host), subject.digest)).toEqual([one, two]);
  expect(await listReferrers(await open(host), subject.digest, "text/signature")).toEqual([two]);
});
