import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type BootedServer, bootServer } from '../support/boot-server.js';
import { runProgram } from '../support/run-program.js';
import { fetchFrom } from '../support/server-fetch.js';
import { tried } from '../support/tried.js';

/** The number of tests in each suite of litmus 0.13; a later litmus may have more. */
const suites = { basic: 16, copymove: 13, props: 30, locks: 41, http: 4 };

/** Warnings that are litmus's own mistake or a choice that the RFC leaves open. */
const allowedWarnings = [
  // RFC 4918 §10.4.1: an If header that evaluates to false fails with 412. litmus asks for 423.
  'PUT failed with 412 not 423',
];

/** What litmus leaves out over TLS, where it also takes every certificate. */
const skippedOverTls = ['2. expect100', '1 test was skipped'];

interface SuiteReport {
  ran: number;
  passed: number;
  failures: string[];
  skipped: string[];
  warnings: string[];
}

/** Reads one suite's output. Lines end with LF or, where litmus overwrites a line on a terminal, with CR. */
function parseSuite(output: string): SuiteReport {
  const report: SuiteReport = { ran: 0, passed: 0, failures: [], skipped: [], warnings: [] };
  for (const line of output.split(/[\r\n]+/)) {
    const summary = /of (\d+) tests run: (\d+) passed, (\d+) failed/.exec(line);
    if (summary) {
      report.ran = Number(summary[1]);
      report.passed = Number(summary[2]);
    } else if (/\bFAIL(ED)?\b|^ERROR/.test(line)) report.failures.push(line.trim());
    else if (/\bSKIPPED\b|tests were skipped/.test(line)) report.skipped.push(line.trim());
    else if (line.includes('WARNING:')) report.warnings.push(line.slice(line.indexOf('WARNING:') + 8).trim());
  }
  return report;
}

async function runSuite(suite: string, url: string, user: string, password: string): Promise<SuiteReport> {
  // litmus writes debug.log and child.log where it runs.
  const folder = await mkdtemp(path.join(tmpdir(), 'firn-litmus-'));
  try {
    const result = await runProgram('litmus', ['-k', url, user, password], { environment: { TESTS: suite }, folder });
    return parseSuite(result.output + result.errors);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const overTls = { scheme: 'https', workers: 1 };
const shapes = tried([{ scheme: 'http', workers: 1 }, overTls, { scheme: 'https', workers: 2 }], overTls)
  // Processes of one server share SQLite.
  .filter(({ workers }) => workers === 1 || process.env.FIRN_TEST_ENGINE !== 'cluster');
for (const { scheme, workers } of shapes) {
  describe(`client-requirements 1.8 — over ${scheme}, workers: ${workers}, litmus passes without a failure, a skipped test or an unexplained warning`, () => {
    let server: BootedServer;

    beforeAll(async () => {
      server = await bootServer({ hostMount: true, tls: scheme === 'https', settings: { workers } });
      for (const folder of [`${encodeURIComponent(server.driveName)}/sub/`, 'scoped/']) {
        const url = `${server.pathMount}${folder}`;
        const answer = await fetchFrom(server)(url, {
          method: 'MKCOL',
          headers: { authorization: server.authorization },
        });
        if (answer.status !== 201) throw new Error(`MKCOL ${url} answered ${answer.status}`);
      }
    });
    afterAll(() => server?.remove());

    const places: Record<string, () => Promise<{ url: string; password: string }>> = {
      'at the path mount': async () => ({ url: server.pathMount, password: server.password }),
      'at the host mount': async () => ({ url: server.hostMount, password: server.password }),
      "inside the drive's folder": async () => ({
        url: `${server.pathMount}${encodeURIComponent(server.driveName)}/sub/`,
        password: server.password,
      }),
      'at the root of a folder-scoped app password (PRODUCT S2)': async () => ({
        url: server.pathMount,
        password: (
          await server.firn(
            'app-password',
            'create',
            server.user,
            'scoped',
            '--drive',
            server.driveId,
            '--folder',
            '/scoped',
          )
        ).trim(),
      }),
    };

    // The places differ by what the paths mean; TLS makes no difference to that.
    const tried = Object.entries(places).slice(0, scheme === 'http' ? undefined : 2);
    for (const [place, locate] of tried) {
      for (const [suite, testsMin] of Object.entries(suites)) {
        test(`${suite} ${place}`, async () => {
          const { url, password } = await locate();
          const report = await runSuite(suite, url, server.user, password);
          expect(report.failures).toEqual([]);
          const isExpected = (line: string) =>
            scheme === 'https' && suite === 'http' && skippedOverTls.some((known) => line.includes(known));
          expect(report.skipped.filter((line) => !isExpected(line))).toEqual([]);
          expect(report.warnings.filter((warning) => !allowedWarnings.includes(warning))).toEqual([]);
          expect(report.passed).toBe(report.ran);
          expect(report.ran).toBeGreaterThanOrEqual(testsMin - (report.skipped.length > 0 ? 1 : 0));
        });
      }
    }
  });
}
