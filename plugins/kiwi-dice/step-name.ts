/** The steps of KIWI that are tasks of their own. */
export type StepName = "prepare" | "create" | "build" | "bundle" | "info";
