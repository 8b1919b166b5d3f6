/**
 * Prepares a release on this machine, and publishes nothing:
 *
 *   npm run release -- <version, or major, minor, patch> [--checked]
 *
 * The tree must be clean, the version new, CHANGELOG.md must say what changed, and package.json where the package comes from
 * if the workflow publishes with provenance. Then `.ci/run` has to pass in a fresh clone
 * of this commit (`--checked`: it has, elsewhere), "Unreleased" becomes the version with today's date, and a commit and an
 * annotated tag hold both. docs/releasing.md tells what follows.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { parser } from 'keep-a-changelog';
import semver from 'semver';

/** The repository that is to be released is the current folder's. */
const changelogFile = 'CHANGELOG.md';
const workflowFile = '.github/workflows/release.yml';

class Refusal extends Error {}

function fail(reason) {
  throw new Refusal(reason);
}

function output(command, ...args) {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) fail(`${command} ${args.join(' ')} failed: ${stderr.trim()}`);
  return stdout.trim();
}

function show(command, args, options = {}) {
  const { status } = spawnSync(command, args, { stdio: 'inherit', ...options });
  if (status !== 0) fail(`${command} ${args.join(' ')} failed`);
}

function readChangelog() {
  const changelog = parser(readFileSync(changelogFile, 'utf8'));
  changelog.format = 'markdownlint';
  return changelog;
}

/** The first release keeps the version that the package has had so far. */
function versionFrom(asked, current, isFirst) {
  const version = semver.valid(asked) ?? semver.inc(current, asked);
  if (version === null) fail(`the version must be one, or major, minor or patch; received ${asked}.`);
  if (isFirst ? semver.lt(version, current) : semver.lte(version, current)) {
    fail(`the version must follow ${current}; received ${version}.`);
  }
  return version;
}

function checkTree(tag) {
  const dirty = output('git', 'status', '--porcelain');
  if (dirty) fail(`the tree must be clean; git status says:\n${dirty}`);
  if (output('git', 'tag', '--list', tag)) fail(`there is a tag ${tag} already.`);
}

/** The section that is to get the version. */
function sectionFor(version, changelog) {
  if (changelog.releases.some((release) => release.version === version))
    fail(`${changelogFile} has ${version} already.`);
  const unreleased = changelog.releases.find((release) => release.version === undefined && !release.isEmpty());
  return unreleased ?? fail(`${changelogFile} must say under "Unreleased" what changed; it says nothing.`);
}

function dateChangelog(version) {
  const changelog = readChangelog();
  const section = sectionFor(version, changelog);
  section.setVersion(version);
  section.setDate(new Date());
  writeFileSync(changelogFile, changelog.toString());
}

/** npm publishes with provenance only what names its repository, and would say so when the tag is public already. */
function checkProvenance({ repository }) {
  const url = typeof repository === 'string' ? repository : repository?.url;
  const publishes = existsSync(workflowFile) && /\bpublish .*--provenance\b/.test(readFileSync(workflowFile, 'utf8'));
  if (publishes && !url) {
    fail(
      `package.json must have a "repository", since ${workflowFile} publishes with --provenance; it has none. Add "repository": { "type": "git", "url": "git+https://…" }, the repository that the workflow runs in.`,
    );
  }
}

function checkClone() {
  const folder = mkdtempSync(join(tmpdir(), 'circle-loss-release-'));
  try {
    show('git', ['clone', '--quiet', '.', folder]);
    show('bash', ['.ci/run'], { cwd: folder });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function release(asked, { checked }) {
  const manifest = JSON.parse(readFileSync('package.json', 'utf8'));
  const current = manifest.version;
  const version = versionFrom(asked, current, output('git', 'tag', '--list', 'v*') === '');
  const tag = `v${version}`;
  checkTree(tag);
  sectionFor(version, readChangelog());
  checkProvenance(manifest);
  if (!checked) checkClone();
  dateChangelog(version);
  if (version !== current) output('npm', 'version', version, '--no-git-tag-version');
  output('git', 'commit', '--all', '--message', `release: ${version}`);
  output('git', 'tag', '--annotate', tag, '--message', `circle-loss ${version}`);
  console.log(`release: ${tag} is committed and tagged. 'git push --follow-tags' publishes it: docs/releasing.md.`);
}

try {
  new Command('release')
    .argument('<version>')
    .option('--checked', '.ci/run has passed for this commit')
    .action(release)
    .parse();
} catch (error) {
  if (!(error instanceof Refusal)) throw error;
  console.error(`release: ${error.message}`);
  process.exitCode = 1;
}
