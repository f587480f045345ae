/** Pages of Theano's documentation as programs: each prints on every CPU device what the page prints, as its comments say. */
import { readdirSync, readFileSync } from "node:fs";
import { afterAll, describe, expect, test } from "vitest";
import { closeDevices } from "damo";
import { expectPromised } from "../docs/programs.js";

const FOLDER = new URL("../../examples/theano/", import.meta.url);
const PROGRAMS = readdirSync(FOLDER).filter((f) => f.endsWith(".ts"));

afterAll(closeDevices);

describe.each(["wasm", "reference"])("on %s", (device) => {
  test.each(PROGRAMS)("%s", (name) => expectPromised(new URL(name, FOLDER), { device }), 200_000);
});

test("README names them all", () => {
  const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
  expect(PROGRAMS.map((f) => f.replace(".ts", "")).filter((name) => !readme.includes(`\`${name}\``) && !readme.includes(`theano/${name}.js`))).toEqual([]);
});
