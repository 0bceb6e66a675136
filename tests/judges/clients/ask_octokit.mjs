// Octokit, GitHub's own client for JavaScript, unmodified, against the API at API_URL; what it saw goes to stdout as JSON.
// Environment: API_URL, TOKEN, OWNER, REPO, RUN_ID.

import { Octokit } from "octokit";

const { API_URL, TOKEN, OWNER: owner, REPO: repo, RUN_ID } = process.env;
const run_id = Number(RUN_ID);
const asked = [];

// Octokit follows Link headers to whatever host they name: no request may leave this machine.
const loopback = (address, options) => {
  const { hostname } = new URL(address);
  if (hostname !== "127.0.0.1") throw new Error(`a request to ${hostname} was about to leave this machine`);
  asked.push(String(address));
  return fetch(address, options);
};

const octokit = new Octokit({
  baseUrl: API_URL,
  auth: TOKEN,
  request: { fetch: loopback },
  throttle: { onRateLimit: () => false, onSecondaryRateLimit: () => false },
  log: { debug() {}, info() {}, warn() {}, error() {} },
});
const { actions } = octokit.rest;

const runs = await octokit.paginate(actions.listWorkflowRunsForRepo, { owner, repo, per_page: 100 });
const all = await octokit.paginate(actions.listJobsForWorkflowRun, { owner, repo, run_id, filter: "all", per_page: 1 });
const latest = await octokit.paginate(actions.listJobsForWorkflowRun, { owner, repo, run_id, filter: "latest" });
const first = await octokit.paginate(actions.listJobsForWorkflowRunAttempt, { owner, repo, run_id, attempt_number: 1 });
const logs = await actions.downloadWorkflowRunAttemptLogs({ owner, repo, run_id, attempt_number: 1 });
const log = await actions.downloadJobLogsForWorkflowRun({ owner, repo, job_id: first.find((job) => job.runner_id).id });
const groups = await octokit.request("GET /repos/{owner}/{repo}/actions/runs/{run_id}/concurrency_groups", {
  owner,
  repo,
  run_id,
});
const missing = await actions.getWorkflowRun({ owner, repo, run_id: 1 }).catch((error) => error);

const job = ({ id, run_attempt, conclusion }) => ({ id, run_attempt, conclusion });
console.log(
  JSON.stringify({
    runs: runs.map(({ id, run_attempt, conclusion }) => ({ id, run_attempt, conclusion })),
    all: all.map(job),
    latest: latest.map(job),
    first: first.map(job),
    logs: { url: logs.url, base64: Buffer.from(logs.data).toString("base64") },
    log: { url: log.url, text: typeof log.data === "string" ? log.data : Buffer.from(log.data).toString("utf8") },
    groups: groups.data,
    missing: { status: missing.status, message: missing.message },
    asked,
  }),
);
