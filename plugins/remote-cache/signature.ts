/** Signs results and checks signatures, by a shared key or by ed25519. Does not know where they are kept. */
import {
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  sign,
  timingSafeEqual,
  verify,
  type KeyObject,
} from "node:crypto";
import { signatureKey } from "./errors.ts";
import type { Signature } from "./options.ts";
import { nameSecret, readSecret } from "./secret.ts";

/** What is signed: a result at its address. */
export interface Signed {
  readonly key: string;
  readonly domain: string;
  /** The bytes of the record. */
  readonly record: Uint8Array;
}

/** Signs and checks. */
export interface Signer {
  /** Undefined: this run has no key to sign with. */
  readonly sign: ((signed: Signed) => string) | undefined;
  /** Why nothing can be checked. Absent: everything can. */
  readonly obstacle?: string;
  /** Why the signature does not hold. Undefined: it holds. */
  readonly findFault: (signed: Signed, signature: string | undefined) => string | undefined;
}

/** Bytes; a shorter key can be guessed. */
const shortestKey = 16;

/** @throws BtError CACHE_SIGNATURE_KEY */
export function createSigner(signature: Signature, env: Readonly<Record<string, string | undefined>>): Signer {
  return signature.kind === "hmac" ? sharedSigner(signature, env) : keyPairSigner(signature, env);
}

function sharedSigner(
  { key }: Extract<Signature, { kind: "hmac" }>,
  env: Readonly<Record<string, string | undefined>>,
): Signer {
  const secret = readSecret(key, env);
  if (secret !== undefined && Buffer.byteLength(secret) < shortestKey)
    throw signatureKey(nameSecret(key), `has ${Buffer.byteLength(secret)} bytes, at least ${shortestKey} are needed`);
  if (secret === undefined)
    return { sign: undefined, obstacle: `${nameSecret(key)} is not set`, findFault: () => "cannot be checked" };
  const make = (signed: Signed): string => {
    return `hmac-sha256:${createHmac("sha256", secret).update(messageOf(signed)).digest("hex")}`;
  };
  return {
    sign: make,
    findFault: (signed, given) => {
      if (given === undefined) return "is not signed";
      return isSame(given, make(signed)) ? undefined : "has a wrong signature";
    },
  };
}

function keyPairSigner(
  { publicKeys, privateKey }: Extract<Signature, { kind: "ed25519" }>,
  env: Readonly<Record<string, string | undefined>>,
): Signer {
  const known = publicKeys.map((text) => parseKey("publicKeys", () => createPublicKey(text)));
  const secret = privateKey === undefined ? undefined : readSecret(privateKey, env);
  const own =
    privateKey === undefined || secret === undefined
      ? undefined
      : parseKey(nameSecret(privateKey), () => createPrivateKey(secret));
  return {
    sign:
      own === undefined ? undefined : (signed) => `ed25519:${sign(null, messageOf(signed), own).toString("base64")}`,
    findFault: (signed, given) => {
      if (given === undefined) return "is not signed";
      const [kind, text = ""] = given.split(":");
      const isGood = kind === "ed25519" && known.some((one) => verify(null, messageOf(signed), one, decode(text)));
      return isGood ? undefined : "has a wrong signature";
    },
  };
}

/** The parser's message may quote the key, so it is no cause. */
function parseKey(name: string, parse: () => KeyObject): KeyObject {
  let key: KeyObject | undefined;
  try {
    key = parse();
  } catch {
    throw signatureKey(name, "is no key in PEM form");
  }
  if (key.asymmetricKeyType !== "ed25519")
    throw signatureKey(name, `is a key of type "${key.asymmetricKeyType ?? "unknown"}"`);
  return key;
}

/** Every part has a fixed alphabet without line breaks, so no two addresses have one message. */
function messageOf({ key, domain, record }: Signed): Buffer {
  return Buffer.from(`bt-cache-v1\n${key}\n${domain}\n${createHash("sha256").update(record).digest("hex")}\n`);
}

function isSame(a: string, b: string): boolean {
  const [one, other] = [Buffer.from(a), Buffer.from(b)];
  return one.length === other.length && timingSafeEqual(one, other);
}

function decode(base64: string): Buffer {
  return Buffer.from(base64, "base64");
}
