/** What a project that is released has: one version everywhere, a changelog that tools read, a workflow that is .ci/run, a release script. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parser, type Release } from 'keep-a-changelog';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (path: string, from = root) => readFileSync(join(from, path), 'utf8');
const versionOf = (folder: string) => JSON.parse(read('package.json', folder)).version as string;

describe('this repository', () => {
  it('has one version: that of the package is the newest of the changelog, or is to be the first', () => {
    const { releases } = parser(read('CHANGELOG.md'));
    const [newest] = releases.filter(({ version }: Release) => version !== undefined);
    if (newest) expect(newest.version).toBe(versionOf(root));
    else expect(releases.map((release: Release) => release.isEmpty())).toEqual([false]);
    expect(JSON.parse(read('package-lock.json')).version).toBe(versionOf(root));
  });

  it('has a changelog that a release leaves as it is written', () => {
    const changelog = parser(read('CHANGELOG.md'));
    changelog.format = 'markdownlint';
    expect(changelog.toString()).toBe(read('CHANGELOG.md'));
  });

  it('is gated by .ci/run, and released by a workflow that runs it too, and nothing before it but the CUDA compiler', () => {
    const steps = (workflow: string) =>
      [...read(workflow).matchAll(/^ {6}- (?:run|uses): (.+)$/gm)].map(([, step]) => step);
    const gate = ['actions/checkout@v4', './.github/actions/cuda-compiler', 'bash .ci/run'];
    expect(steps('.github/workflows/ci.yml')).toEqual(gate);
    expect(steps('.github/workflows/release.yml').slice(0, 3)).toEqual(gate);
    expect(steps('.github/workflows/release.yml').at(-1)).toContain('publish --provenance');
  });
});

describe('npm run release', () => {
  let folder: string;

  const git = (...args: string[]) => {
    const identity = ['-c', 'user.name=Test', '-c', 'user.email=test@localhost', '-c', 'commit.gpgsign=false'];
    return spawnSync('git', [...identity, ...args], { cwd: folder, encoding: 'utf8' }).stdout.trim();
  };
  const environment = {
    ...process.env,
    GIT_AUTHOR_NAME: 'Test',
    GIT_AUTHOR_EMAIL: 'test@localhost',
    GIT_COMMITTER_NAME: 'Test',
    GIT_COMMITTER_EMAIL: 'test@localhost',
  };
  const release = (...args: string[]) =>
    spawnSync(process.execPath, [join(root, 'scripts/release.mjs'), ...args], {
      cwd: folder,
      encoding: 'utf8',
      env: environment,
    });
  const changelogWith = (unreleased: string) =>
    `# Changelog\n\n${unreleased}## 0.1.0 - 2026-01-02\n\n### Added\n\n- A beginning.\n`;
  const write = (path: string, text: string) => writeFileSync(join(folder, path), text);
  const commit = () => git('commit', '--quiet', '--all', '--message', 'test: a change');

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'circle-loss-release-'));
    write('package.json', '{ "name": "released", "version": "0.1.0" }\n');
    write('CHANGELOG.md', changelogWith('## Unreleased\n\n### Fixed\n\n- A wrong sign.\n\n'));
    mkdirSync(join(folder, '.ci'));
    write('.ci/run', 'test -f package.json && echo "checked here" && exit "$(cat .ci/status)"\n');
    write('.ci/status', '0');
    git('init', '--quiet');
    git('add', '.');
    commit();
    git('tag', 'v0.1.0');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('dates what is unreleased, and commits and tags the version', () => {
    const { status, stdout, stderr } = release('minor');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain('checked here');
    expect(stdout).toContain('v0.2.0 is committed and tagged');
    expect(versionOf(folder)).toBe('0.2.0');
    const [newest, older] = parser(read('CHANGELOG.md', folder)).releases;
    expect([newest.version, older.version]).toEqual(['0.2.0', '0.1.0']);
    expect(read('CHANGELOG.md', folder)).toMatch(/^## 0\.2\.0 - \d{4}-\d\d-\d\d\n\n### Fixed\n\n- A wrong sign\.$/m);
    expect(git('log', '-1', '--format=%s')).toBe('release: 0.2.0');
    expect(git('cat-file', '-t', 'v0.2.0')).toBe('tag');
    expect(git('rev-parse', 'v0.2.0^{commit}')).toBe(git('rev-parse', 'HEAD'));
    expect(git('status', '--porcelain')).toBe('');
  });

  it('may be the first, of the version that the package has', () => {
    git('tag', '--delete', 'v0.1.0');
    write('CHANGELOG.md', '# Changelog\n\n## Unreleased\n\n### Added\n\n- A beginning.\n');
    commit();
    expect(release('0.1.0', '--checked')).toMatchObject({ status: 0, stderr: '' });
    expect(read('CHANGELOG.md', folder)).toMatch(/^## 0\.1\.0 - \d{4}-\d\d-\d\d\n\n### Added\n\n- A beginning\.$/m);
    expect(versionOf(folder)).toBe('0.1.0');
    expect(git('log', '-1', '--format=%s')).toBe('release: 0.1.0');
    expect(git('rev-parse', 'v0.1.0^{commit}')).toBe(git('rev-parse', 'HEAD'));
  });

  describe('of a package that is published with provenance', () => {
    beforeEach(() => {
      mkdirSync(join(folder, '.github/workflows'), { recursive: true });
      // As it is here: what this repository publishes by.
      write('.github/workflows/release.yml', read('.github/workflows/release.yml'));
      git('add', '.');
      commit();
    });
    const manifest = (more: object) => {
      write('package.json', `${JSON.stringify({ name: 'released', version: '0.1.0', ...more }, null, 2)}\n`);
      commit();
    };

    it.each([
      ['names no repository', {}],
      ['has one without an address', { repository: { type: 'git' } }],
    ])('is refused where package.json %s, before the check', (_, more) => {
      manifest(more);
      const before = git('rev-parse', 'HEAD');
      const { status, stdout, stderr } = release('patch');
      expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
      expect(stderr).toMatch(
        /^release: package\.json must have a "repository", since \.github\/workflows\/release\.yml publishes with --provenance; it has none\. Add /,
      );
      expect([git('rev-parse', 'HEAD'), git('tag')]).toEqual([before, 'v0.1.0']);
    });

    it.each(['git+https://localhost/released.git', { type: 'git', url: 'git+https://localhost/released.git' }])(
      'is made where package.json names it: %j',
      (repository) => {
        manifest({ repository });
        expect(release('patch').status).toBe(0);
        expect(git('tag')).toBe('v0.1.0\nv0.1.1');
      },
    );
  });

  it.each([
    [
      'a tree that is not clean',
      () => write('package.json', '{ "version": "0.1.0" }\n'),
      'patch',
      'the tree must be clean',
    ],
    ['a version of the past', () => {}, '0.1.0', 'the version must follow 0.1.0; received 0.1.0.'],
    ['no version', () => {}, 'next', 'the version must be one, or major, minor or patch; received next.'],
    ['a tag that exists', () => git('tag', 'v0.1.1'), 'patch', 'there is a tag v0.1.1 already.'],
    [
      'a changelog that says nothing',
      () => {
        write('CHANGELOG.md', changelogWith(''));
        commit();
      },
      'patch',
      'CHANGELOG.md must say under "Unreleased" what changed',
    ],
    [
      'a changelog that has the version already',
      () => {
        write('CHANGELOG.md', changelogWith('## Unreleased\n\n### Fixed\n\n- A sign.\n\n## 0.1.1 - 2026-01-03\n\n'));
        commit();
      },
      'patch',
      'CHANGELOG.md has 0.1.1 already.',
    ],
    [
      'a check that fails',
      () => {
        write('.ci/status', '1');
        commit();
      },
      'patch',
      'bash .ci/run failed',
    ],
  ])('refuses %s, and leaves all as it was', (_, prepare, version, reason) => {
    prepare();
    const before = [git('rev-parse', 'HEAD'), git('status', '--porcelain'), git('tag'), read('CHANGELOG.md', folder)];
    const { status, stdout, stderr } = release(version);
    expect(status).toBe(1);
    // The check takes half an hour; what can be refused before it, is.
    expect(stdout).toBe(reason.includes('.ci/run') ? 'checked here\n' : '');
    expect(stderr).toContain(`release: ${reason}`);
    expect([git('rev-parse', 'HEAD'), git('status', '--porcelain'), git('tag'), read('CHANGELOG.md', folder)]).toEqual(
      before,
    );
  });
});
