/** Dicefiles are read as data: those of Dice's manual, and code, which is refused and never run. */
import { expect, test } from "vitest";
import { parseDicefile } from "../../../plugins/kiwi-dice/dicefile.ts";
import { world } from "./rig.ts";

const inside = (...lines: string[]): string => ["Dice.configure do |config|", ...lines, "end", ""].join("\n");

test.for([
  ["for docker", inside("  config.buildhost = :DOCKER"), { buildhost: { kind: "docker" } }],
  [
    "for a host",
    inside('  config.buildhost = "build.example.com"', '  config.ssh_user = "vagrant"'),
    { buildhost: { kind: "host", name: "build.example.com" }, sshUser: "vagrant" },
  ],
  ["for Vagrant", inside('  config.ssh_user = "vagrant"'), { sshUser: "vagrant" }],
] as const)("the manual's Dicefile %s is understood", ([, text, settings]) => {
  expect(parseDicefile(text, "Dicefile")).toEqual(settings);
});

test("comments, both quotes, symbols and File.join are understood", () => {
  const text = inside(
    "  # where",
    "",
    "  config.buildhost = :VAGRANT # the default",
    "  config.ssh_user = 'o''".replace("''", "'"),
    `  config.ssh_private_key = File.join(ENV["HOME"], ".dice/", '/key') # ours`,
  );

  expect(parseDicefile(text, "Dicefile", { HOME: "/home/ann" })).toEqual({
    buildhost: { kind: "vagrant" },
    sshUser: "o",
    sshKey: "/home/ann/.dice/key",
  });
});

test.for([
  ["a call", '  config.ssh_user = system("touch canary")'],
  ["a string with code in it", '  config.buildhost = "#{`touch canary`}"'],
  ["a loop", "  3.times do |i| puts i end"],
  ["a call of another module", '  File.write("canary", "")'],
  ["code after a value", '  config.ssh_user = "ann"; system("touch canary")'],
  ["code in File.join", '  config.ssh_private_key = File.join(`touch canary`, "key")'],
])("%s is refused with its line, and what replaces the file", ([, line]) => {
  const text = inside('  config.buildhost = "forge"', line!);

  expect(() => parseDicefile(text, "recipes/small/Dicefile")).toThrow(
    expect.objectContaining({
      code: "KIWI_DICE_DICEFILE_LINE",
      at: { where: "recipes/small/Dicefile", line: 3 },
      detail: [
        expect.any(String),
        `kiwiDice({ recipes: { NAME: { recipe: "FOLDER", buildhost: { kind: "ssh", host: "forge", user: "vagrant", key: "…", knownHosts: "…" } } } })`,
      ],
    }),
  );
});

test("a misspelt setting gets the nearest one", () => {
  expect(() => parseDicefile(inside('  config.build_host = "forge"'), "Dicefile")).toThrow(
    expect.objectContaining({ code: "KIWI_DICE_DICEFILE_SETTING", fix: 'Use "buildhost".' }),
  );
});

test("bt refuses a Dicefile with code before anything runs, and runs none of it", async () => {
  const p = await world({ files: { "recipes/small/Dicefile": inside('  system("touch canary")') } });

  const result = await p.dice("dice-build");

  expect(result.exitCode).toBe(2);
  expect(result.stderr).toContain("at   recipes/small/Dicefile:2\n");
  expect([p.exists("canary"), p.exists("recipes/small/canary"), p.calls()]).toEqual([false, false, []]);
});
