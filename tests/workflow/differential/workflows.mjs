// GitHub's own reader of workflow files, unmodified, asked what is wrong with each file.
// Arguments: the folder of the npm packages. Standard input: [text, ...] as JSON.
// Standard output: an array as long, of arrays of messages; an empty one is a file that it takes.

import { readFileSync } from "node:fs";
import { register } from "node:module";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

// The package imports its schema without saying that it is JSON, which Node.js from 20 on asks for.
const hook = `export const load = (url, context, next) =>
  next(url, url.endsWith(".json") ? { ...context, importAttributes: { type: "json" } } : context);`;
register(`data:text/javascript,${encodeURIComponent(hook)}`);

const load = (path) => import(pathToFileURL(resolve(process.argv[2], "@actions", path)));
const { NoOperationTraceWriter, convertWorkflowTemplate, parseWorkflow } = await load("workflow-parser/dist/index.js");
const { TemplateContext, TemplateValidationErrors } = await load("workflow-parser/dist/templates/template-context.js");
const { getWorkflowSchema } = await load("workflow-parser/dist/workflows/workflow-schema.js");
const { FeatureFlags } = await load("expressions/dist/features.js");

// All that GitHub has by now is on: parallel steps above all.
const featureFlags = new FeatureFlags({ all: true });

const answer = async (content) => {
  const context = new TemplateContext(new TemplateValidationErrors(), getWorkflowSchema(), new NoOperationTraceWriter());
  context.state.featureFlags = featureFlags;
  try {
    const { value } = parseWorkflow({ name: "workflow.yml", content }, context);
    if (value) await convertWorkflowTemplate(context, value, undefined, { featureFlags });
  } catch (error) {
    return [`it fails: ${error.message}`];
  }
  return context.errors.getErrors().map((error) => error.message);
};

const answers = [];
for (const text of JSON.parse(readFileSync(0, "utf8"))) answers.push(await answer(text));
process.stdout.write(JSON.stringify(answers));
