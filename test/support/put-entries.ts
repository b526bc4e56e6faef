/** A program that adds ten entries to a layout: LAYOUT NAME. */
import { digestOf } from "../../plugins/multiarch-manifest/digest.ts";
import { openLayout, putEntries } from "../../plugins/multiarch-manifest/layout.ts";
import { mediaTypes, refNameAnnotation } from "../../plugins/multiarch-manifest/oci.ts";

const [dir = "", name = ""] = process.argv.slice(2);
void putTen();

async function putTen(): Promise<void> {
  const layout = await openLayout(dir);
  for (let n = 0; n < 10; n++) {
    const annotations = { [refNameAnnotation]: `${name}${n}` };
    await putEntries(layout, [{ mediaType: mediaTypes.oci.manifest, digest: digestOf(name), size: 1, annotations }]);
  }
}
