import { defineConfig, type ViteUserConfig } from "vitest/config";

const config: ViteUserConfig = defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    pool: "forks",
    globalSetup: ["test/support/dist.ts"],
    reporters: ["default", "./test/support/closing-line.ts"],
    testTimeout: 180_000,
    hookTimeout: 60_000,
  },
});

export default config;
