// GitHub's port of the expression language to JavaScript, unmodified, asked for the value of each expression.
// Arguments: the folder of the npm packages. Standard input: {"contexts": {...}, "expressions": [text, ...]} as JSON.
// Standard output: an array as long, of {"value": [kind, value]} or {"error": message, "while": "reading"|"evaluating"}.

import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const entry = resolve(process.argv[2], "@actions/expressions/dist/index.js");
const { Lexer, Parser, Evaluator, data } = await import(pathToFileURL(entry));

const asked = JSON.parse(readFileSync(0, "utf8"));
const contexts = JSON.parse(JSON.stringify(asked.contexts), data.reviver);
const names = Object.keys(asked.contexts);
// The port knows these only as what its caller adds.
const added = ["hashFiles", "success", "failure", "always", "cancelled"].map((name) => ({
  name,
  minArgs: name === "hashFiles" ? 1 : 0,
  maxArgs: name === "always" || name === "cancelled" ? 0 : 255,
  call: () => new data.Null(),
}));
const functions = new Map(added.map((one) => [one.name.toLowerCase(), one]));

const describe = (value) => {
  switch (value.kind) {
    case data.Kind.Null:
      return ["null", null];
    case data.Kind.Boolean:
      return ["boolean", value.value];
    case data.Kind.Number:
      return ["number", String(value.value)]; // NaN and Infinity are no JSON
    case data.Kind.String:
      return ["string", value.value];
    case data.Kind.Array:
      return ["array", value.values().map(describe)];
    default:
      return ["object", value.pairs().map(({ key, value: held }) => [key, describe(held)])];
  }
};

const answer = (text) => {
  let tree;
  try {
    tree = new Parser(new Lexer(text).lex().tokens, names, added).parse();
  } catch (error) {
    return { error: error.message, while: "reading" };
  }
  try {
    return { value: describe(new Evaluator(tree, contexts, functions).evaluate()) };
  } catch (error) {
    return { error: error.message, while: "evaluating" };
  }
};

process.stdout.write(JSON.stringify(asked.expressions.map(answer)));
