export { BtError, closest, isBtError, type BtErrorFacts, type Place } from "./errors.ts";
export { findPlatform, hostPlatform, ociPlatform, parsePlatform, platforms, platformTable, type Arch, type Platform } from "./platform.ts";
