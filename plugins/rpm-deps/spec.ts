/** Packages as groups name them: a name, and maybe the name of a pin. Pure; does not know versions. */

/** `qemu-img-{QEMU}` in its parts. */
export interface Wanted {
  readonly spec: string;
  readonly name: string;
  /** `QEMU`. Absent: any version. */
  readonly pin?: string;
}

/** The parts of a spec. Undefined: it is none. */
export function findWanted(spec: string): Wanted | undefined {
  const [, name, pin] = /^([A-Za-z0-9_][A-Za-z0-9._+-]*?)(?:-\{([A-Z][A-Z0-9_]*)\})?$/.exec(spec) ?? [];
  if (name === undefined) return undefined;
  return { spec, name, ...(pin === undefined ? {} : { pin }) };
}

/** `QEMU_VERSION`: the variable that changes a pin. */
export function pinVariable(pin: string): string {
  return `${pin}_VERSION`;
}

/** `qemu_version`: the param of a pin. */
export function pinParam(pin: string): string {
  return `${pin.toLowerCase()}_version`;
}

const shape = /^(?:\d+:)?[A-Za-z0-9._+~^]+-[A-Za-z0-9._+~^]+$/;

/** Whether a text can be a pin: empty, or version and release, maybe with an epoch. */
export function isPinText(text: string): boolean {
  return text === "" || shape.test(text);
}
