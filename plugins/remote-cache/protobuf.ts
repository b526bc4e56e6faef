/** The wire format of protocol buffers, as far as results need it: varints and length-delimited fields. Does not know messages. */

/** Field number to its values in order: numbers, or bytes. Fixed-width fields are left out. */
export type Fields = ReadonlyMap<number, readonly (number | Buffer)[]>;

/** A length-delimited field: a text, bytes, or a message as the parts it is made of. Undefined is left out. */
export function bytesField(number: number, content: string | Uint8Array | readonly Uint8Array[] | undefined): Buffer {
  if (content === undefined) return Buffer.alloc(0);
  const bytes =
    typeof content === "string"
      ? Buffer.from(content)
      : content instanceof Uint8Array
        ? content
        : Buffer.concat([...content]);
  return Buffer.concat([varint(number * 8 + 2), varint(bytes.length), bytes]);
}

/** A number that is not negative; 0 is the default and left out. */
export function numberField(number: number, value: number): Buffer {
  return value === 0 ? Buffer.alloc(0) : Buffer.concat([varint(number * 8), varint(value)]);
}

/** The fields of a message. @throws RangeError for bytes that are none */
export function readFields(bytes: Uint8Array): Fields {
  const fields = new Map<number, (number | Buffer)[]>();
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 0;
  const readVarint = (): number => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = buffer[at++];
      if (byte === undefined || factor > 2 ** 63) throw new RangeError("a number has no end");
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  };
  const take = (length: number): Buffer => {
    if (at + length > buffer.length) throw new RangeError("a field is longer than its message");
    return buffer.subarray(at, (at += length));
  };
  while (at < buffer.length) {
    const tag = readVarint();
    const [number, type] = [Math.floor(tag / 8), tag % 8];
    const value = type === 0 ? readVarint() : type === 2 ? take(readVarint()) : skipFixed(type, take);
    if (value === undefined) continue;
    const values = fields.get(number);
    if (values === undefined) fields.set(number, [value]);
    else values.push(value);
  }
  return fields;
}

/** The last value that is bytes. Undefined: there is none. */
export function lastBytes(fields: Fields, number: number): Buffer | undefined {
  return fields.get(number)?.findLast((value) => typeof value !== "number");
}

function skipFixed(type: number, take: (length: number) => Buffer): undefined {
  if (type !== 1 && type !== 5) throw new RangeError(`a field has the unknown type ${type}`);
  take(type === 1 ? 8 : 4);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...bytes, rest]);
    bytes.push((rest % 128) | 128);
  }
}
