/** Prints which tests needed a second attempt, and the closing line that any CI can read: `N passed, N failed, N skipped`. */
import type { Reporter, TestModule } from "vitest/node";

export default class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const count = (state: string): number => tests.filter((test) => test.result().state === state).length;
    const broken = modules.filter(
      (module) => module.state() === "failed" && ![...module.children.allTests("failed")].length,
    ).length;
    for (const test of tests)
      if (test.diagnostic()?.flaky === true)
        process.stdout.write(`unsteady: ${test.module.relativeModuleId} > ${test.fullName}\n`);
    process.stdout.write(
      `\n${count("passed")} passed, ${count("failed") + broken + errors.length} failed, ${count("skipped")} skipped\n`,
    );
  }
}
