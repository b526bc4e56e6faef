/** Gives all entries of a tar archive one time, and leaves every other byte as it is. Does not know what the archive holds. */

const blockBytes = 512;

/** The archive with `timestamp`, in seconds since 1970, in every head. Times in extended heads stay. */
export async function* retimeTar(bytes: AsyncIterable<Uint8Array>, timestamp: number): AsyncGenerator<Uint8Array> {
  let held: Buffer = Buffer.alloc(0);
  let body = 0;
  for await (const chunk of bytes) {
    let rest: Buffer = held.length === 0 ? Buffer.from(chunk) : Buffer.concat([held, chunk]);
    while (rest.length > 0) {
      if (body > 0) {
        const part = rest.subarray(0, body);
        yield part;
        body -= part.length;
        rest = rest.subarray(part.length);
        continue;
      }
      if (rest.length < blockBytes) break;
      const head = rest.subarray(0, blockBytes);
      if (head.some((byte) => byte !== 0)) {
        body = Math.ceil(readNumber(head.subarray(124, 136)) / blockBytes) * blockBytes;
        writeTime(head, timestamp);
      }
      yield head;
      rest = rest.subarray(blockBytes);
    }
    held = rest;
  }
  if (held.length > 0) yield held;
}

/** Octal digits; or, with the first bit set, a binary number, for files of 8 GiB and more. */
function readNumber(field: Buffer): number {
  if ((field[0]! & 0x80) !== 0) return Number(field.readBigUInt64BE(field.length - 8));
  return Number.parseInt(field.toString("latin1").replaceAll("\0", " ").trim() || "0", 8);
}

function writeTime(head: Buffer, timestamp: number): void {
  head.write(`${timestamp.toString(8).padStart(11, "0")}\0`, 136, "latin1");
  // The sum of the head, with spaces in place of the sum.
  head.fill(" ", 148, 156);
  const sum = head.reduce((total, byte) => total + byte, 0);
  head.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
}
