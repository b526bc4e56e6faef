import { defineConfig, type ViteUserConfig } from "vitest/config";

const config: ViteUserConfig = defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    pool: "forks",
    globalSetup: ["test/support/dist.ts"],
    reporters: ["default", "./test/support/closing-line.ts"],
    // On CI an accident of the machine does not hide the other results; the closing lines name every test that needed it.
    retry: process.env["CI"] === undefined ? 0 : 1,
    testTimeout: 300_000,
    hookTimeout: 180_000,
  },
});

export default config;
