/** A plain server of files as a cache: Debian's nginx, and servers that fail. */
import * as fs from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { startServer } from "../../support/fake-registry.ts";
import { writeCertificate } from "../../support/registry.ts";
import { temporaryFolder } from "../../support/temporary.ts";
import { testWith } from "../../support/tool.ts";
import { blobOf, get, openStore, put, resultOf, startNginx } from "./rig.ts";

const test = testWith("nginx", "htpasswd", "openssl");
const writer = { env: "BAKER" };
const env = { BAKER: "baker:crumb" };
const bread = resultOf("flour", { "out/bread": "bread", "bin/knife": "knife" });

test("a result goes to the server and comes back", async () => {
  const { url, seen } = await startNginx();

  await put(openStore({ url, write: writer }, env).store, bread);

  expect(await get(openStore({ url }).store, bread.result.key)).toEqual({ "out/bread": "bread", "bin/knife": "knife" });
  const writes = seen().filter((line) => line.startsWith("PUT"));
  expect(writes.at(-1)).toBe(`PUT /bt/protected/ac/${bread.result.key} 201`);
  expect(writes).toContain(`PUT /bt/protected/cas/${bread.result.key} 201`);
});
