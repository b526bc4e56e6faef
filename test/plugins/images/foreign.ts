/** A program for any of three architectures, without a compiler or the network: it writes its architecture to the file `made` and prints it; with an argument it waits for ever. */
import { parsePlatform, type Arch } from "../../../core/index.ts";

/** Machine code, by system calls: creat or openat, write, write, exit; or pause, ppoll. */
const code = {
  amd64:
    "48833c24017f41488d3d43000000bea4010000b8550000000f0589c7e813000000bf01000000e80900000031ffb83c0000000f05488d351b000000ba06000000b8010000000f05c3b8220000000f05ebf76d61646500616d6436340a",
  arm64:
    "e00340f91f0400f14c020054600c8092e1020010224880d2833480d2080780d2010000d406000094200080d204000094000080d2a80b80d2010000d4a1010050c20080d2080880d2010000d4c0035fd6000080d2010080d2020080d2030080d2280980d2010000d4faffff176d616465000061726d36340a",
  s390x:
    "e320f0000004a72f0001a724001ac0200000001ba73901a40a08c0e50000000ba7290001c0e500000006a72900000a01c0300000000da74900060a0407fe0a1da7f4ffff6d616465000073333930780a",
} as const;

/** An ELF file of one segment. */
export function foreignProgram(arch: keyof typeof code & Arch): Buffer {
  const body = Buffer.from(code[arch], "hex");
  const isBig = arch === "s390x";
  const address = 0x1000000;
  const size = 120 + body.length;
  const elf = Buffer.alloc(size);
  const put = (offset: number, bytes: 2 | 4 | 8, value: number): void => {
    const field = Buffer.alloc(8);
    if (isBig) field.writeBigUInt64BE(BigInt(value));
    else field.writeBigUInt64LE(BigInt(value));
    (isBig ? field.subarray(8 - bytes) : field.subarray(0, bytes)).copy(elf, offset);
  };
  elf.set([0x7f, 0x45, 0x4c, 0x46, 2, isBig ? 2 : 1, 1]);
  const fields: readonly (readonly [number, 2 | 4 | 8, number])[] = [
    [16, 2, 2],
    [18, 2, parsePlatform(arch).elfMachine],
    [20, 4, 1],
    [24, 8, address + 120],
    [32, 8, 64],
    [52, 2, 64],
    [54, 2, 56],
    [56, 2, 1],
    [58, 2, 64],
    [64, 4, 1],
    [68, 4, 5],
    [80, 8, address],
    [88, 8, address],
    [96, 8, size],
    [104, 8, size],
    [112, 8, 0x10000],
  ];
  for (const [offset, bytes, value] of fields) put(offset, bytes, value);
  body.copy(elf, 120);
  return elf;
}
