/** What the tasks hand on. Types only; does not know who makes it. */
import type { ImageResult } from "../multiarch-manifest/index.ts";

/** Where the source of a component is. */
export interface SourceResult {
  /** Without user and password. */
  readonly repo: string;
  readonly commit: string;
  /** `git describe --tags --always`. */
  readonly version: string;
}

/** What is in the cache of repositories for a component. Empty: nobody says where its source is. */
export interface FetchedSource {
  readonly source?: SourceResult;
  /** Folder in the cache. */
  readonly bare?: string;
}

/** The work tree of a cell. */
export interface TreeResult {
  /** The component's folder in the tree, relative to the project root. */
  readonly folder: string;
  /** Of all that is in `bin`. */
  readonly digest: string;
  /** Key of all that the tree was made of. Absent: the image takes nothing of it but `bin`. */
  readonly of?: string;
  /** Files in `bin`. */
  readonly files: readonly string[];
  readonly source?: SourceResult;
}

/** The image of one cell. */
export interface SideImage extends ImageResult {
  /** `coredns:arm64`. */
  readonly cell: string;
  readonly method: "image" | "dockerfile";
  /** Method file, relative to the project root. */
  readonly file: string;
  /** Cells of this project that it is built on. */
  readonly parents?: readonly string[];
  readonly source?: SourceResult;
  /** What the config of the taken image said before: `linux/armhfp`. Absent: the right platform. */
  readonly was?: string;
  /** Where it was taken from. */
  readonly upstream?: { readonly ref: string; readonly digest: string };
}

/** The index of a component: `.bt/side-images/C.json`. */
export interface SideIndex {
  readonly schema: 1;
  readonly component: string;
  readonly tag: string;
  readonly index: { readonly digest: string; readonly layout: string };
  /** By suffix, in the order of the index. */
  readonly cells: Readonly<
    Record<
      string,
      {
        readonly platform: string;
        readonly imageId: string;
        readonly digest: string;
        readonly method: "image" | "dockerfile";
        readonly file: string;
        readonly parents?: readonly string[];
        readonly source?: SourceResult;
        readonly upstream?: { readonly ref: string; readonly digest: string };
        /** An earlier run has made it. */
        readonly cached: boolean;
      }
    >
  >;
}
