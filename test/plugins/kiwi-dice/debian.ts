/** The description of a small Debian image, which the real KIWI builds in a minute. Knows nothing of bt but its builderfile. */
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Writes the recipe `images/small`, and a builderfile that names it; `fields` are more of the recipe's. */
export function writeRecipe(root: string, fields = ""): void {
  const recipe = join(root, "images/small");
  mkdirSync(join(recipe, "root/etc"), { recursive: true });
  writeFileSync(
    join(recipe, "config.xml"),
    `<?xml version="1.0" encoding="utf-8"?>
<image schemaversion="7.5" name="bt-debian">
  <description type="system"><author>bt</author><contact>bt@example.com</contact><specification>Small Debian</specification></description>
  <preferences><version>1.0.0</version><packagemanager>apt</packagemanager>
    <type image="docker" primary="true"><containerconfig name="bt/debian" tag="1.0.0"><labels><label name="maker" value="bt"/></labels></containerconfig></type>
    <type image="tbz"/>
  </preferences>
  <repository type="apt-deb" alias="debian" distribution="bookworm" components="main" repository_gpgcheck="false">
    <source path="${findMirror()}"/>
  </repository>
  <packages type="image"><package name="ca-certificates"/></packages>
  <packages type="bootstrap"/>
</image>
`,
  );
  writeFileSync(join(recipe, "config.sh"), "#!/bin/bash\necho yes > /etc/bt-config\n");
  chmodSync(join(recipe, "config.sh"), 0o755);
  writeFileSync(join(recipe, "root/etc/bt-overlay"), "overlay\n");
  writeFileSync(join(recipe, "root/etc/.bt-dot"), "dot\n");
  writeFileSync(
    join(root, "builderfile.ts"),
    `import { defineBuilder } from "builderfile";
import { kiwiDice } from "builderfile/plugins/kiwi-dice";
const kiwi = { config: { container: [{ compress: "none" }], xz: [{ options: "-0 --threads=0" }] } };
export default defineBuilder({ plugins: [kiwiDice({ recipes: { small: { recipe: "images/small", bundle: { compress: false }, kiwi, ${fields} } } })] });
`,
  );
}

const aptFiles = ["/etc/apt/sources.list.d/debian.sources", "/etc/apt/sources.list"];

/** The mirror that this machine's apt uses. */
export function findMirror(): string {
  for (const file of aptFiles) {
    const text = existsSync(file) ? readFileSync(file, "utf8") : "";
    const found = /^(?:URIs:|deb(?: \[[^\]]*\])?)\s+(https?:\/\/\S+\/debian)\/?(?:\s|$)/m.exec(text)?.[1];
    if (found !== undefined) return found;
  }
  throw new Error(
    `apt's sources have no Debian mirror: an http(s) address that ends in /debian, in ${aptFiles.join(" or ")}`,
  );
}
