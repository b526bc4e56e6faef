/** What a remote cache is told. Types, and the names in them; does not know how any of it is used. */
import type { OptionMarks } from "../../core/index.ts";

/** Where a secret is. It never stands in the builderfile. */
export type Secret =
  /** Name of a variable. For servers `USER:PASSWORD` or a token, for signatures the key. */
  | { readonly env: string }
  /** Path, `~/` is the home folder. For servers a netrc file, for registries an auth file, for signatures the key. */
  | { readonly file: string };

/** How results of trusted domains are signed. An entry without its signature is a miss, with a warning. */
export type Signature =
  /** One key for all: whoever can read can sign. At least 16 bytes. */
  | { readonly kind: "hmac"; readonly key: Secret }
  /** `publicKeys` are PEM texts, any of which may have signed. The private key, PEM too, is for writers only. */
  | { readonly kind: "ed25519"; readonly publicKeys: readonly string[]; readonly privateKey?: Secret };

/** What both kinds of cache have. */
export interface CommonOptions {
  /** What `--cache` and warnings call it. Default: `remote`. */
  readonly name?: string;
  /** Trusted domains, the own one first, then those that it may read too. Pull requests have domains of their own. Default: `protected`. */
  readonly domain?: string | readonly string[];
  /** Login to read with. Default: that of `write`, else none; for registries the auth files of container tools. */
  readonly read?: Secret;
  /** Login to write with. Default: nothing is written. Also when the variable or file is not there. */
  readonly write?: Secret;
  /** Default: entries are taken as they are, and only the server's access control stands between writers and readers. */
  readonly signature?: Signature;
  /** A request that hears nothing for so long has failed, in milliseconds. Default: 10,000. */
  readonly timeoutMs?: number;
}

/** A server that keeps files: bazel-remote, nginx with WebDAV, any that takes GET, HEAD and PUT. */
export interface HttpCacheOptions extends CommonOptions {
  /** Everything is below it: `https://cache.example/bt`. */
  readonly url: string;
  /** PEM file of certificates to trust besides the system's. */
  readonly ca?: string;
}

/** A repository of a container registry. */
export interface RegistryCacheOptions extends CommonOptions {
  /** `quay.io/team/bt-cache`; pull requests write into `quay.io/team/bt-cache-pr`. */
  readonly registry: string;
}

/** Where results are kept for other machines. */
export type RemoteCacheOptions = HttpCacheOptions | RegistryCacheOptions;

/** The names of the options of both kinds. */
export const cacheMarks: OptionMarks<Partial<HttpCacheOptions & RegistryCacheOptions>> = {
  url: "optional",
  ca: "optional",
  registry: "optional",
  name: "optional",
  domain: "optional",
  read: "optional",
  write: "optional",
  signature: "optional",
  timeoutMs: "optional",
};
